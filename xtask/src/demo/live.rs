//! Shows an upgrade while it happens, in the words and tables of `kubectl milvus status`: repainted in place
//! on a terminal, one block per change otherwise.

use std::{
    io::{self, IsTerminal, Write},
    pin::pin,
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use futures::StreamExt;
use jiff::Timestamp;
use kube::{
    Api,
    runtime::{WatchStreamExt, watcher},
};
use kubectl_milvus::{
    table::{self, Style},
    view::{Roll, Standing, View},
};
use milvus_api::Milvus;
use snafu::{OptionExt, ResultExt};

use super::{
    Error,
    error::{GoneSnafu, LateSnafu, PrintSnafu, RefusedSnafu},
};

/// How long an upgrade may take: five steps, on real nodes with images to pull and 30 s of `minReadySeconds`
/// each.
const WITHIN: Duration = Duration::from_mins(30);

/// Shows every change of `name` until it is as its spec asks.
pub(super) async fn follow(api: Api<Milvus>, name: &str) -> Result<(), Error> {
    let mut screen = Screen::new();
    let mut changes = pin!(watcher::watch_object(api, name).default_backoff());
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let deadline = tokio::time::sleep(WITHIN);
    let mut deadline = pin!(deadline);
    let mut seen: Option<Milvus> = None;
    loop {
        tokio::select! {
            change = changes.next() => match change.context(GoneSnafu)? {
                Ok(object) => seen = Some(object.context(GoneSnafu)?),
                // A watch that breaks is begun again; the time for all of it is limited.
                Err(_) => continue,
            },
            _ = second.tick(), if screen.repaints() && seen.is_some() => {}
            () = &mut deadline => {
                let story = seen.map(|milvus| story(&milvus)).unwrap_or_default();
                return LateSnafu { minutes: WITHIN.as_secs() / 60, story }.fail();
            }
        }
        let Some(milvus) = &seen else { continue };
        let view = View::of(milvus, Timestamp::now());
        screen.show(&view).context(PrintSnafu)?;
        match view.standing {
            Standing::Refused => return RefusedSnafu { story: story(milvus) }.fail(),
            standing if standing.settled() => return Ok(()),
            _ => {}
        }
    }
}

fn story(milvus: &Milvus) -> String {
    table::story(&View::of(milvus, Timestamp::now()), Style::default())
}

/// What is to be seen now: where it stands, the table of the steps, what the guides look at, what it waits
/// for.
fn block(view: &View, style: Style) -> String {
    let mut text = format!("{}\n", view.headline);
    if let Some(roll) = roll(view) {
        text.push_str(&table::roll_table(roll, view.at, style));
        let updated = view.updated.as_deref().unwrap_or_default();
        text.extend(["MilvusUpdated=", updated, ": ", &view.updated_message, "\n"]);
    }
    text.extend(waits(view));
    text
}

/// The roll that is shown. Before the new generation is seen, the last one is another one.
fn roll(view: &View) -> Option<&Roll> {
    view.roll.as_ref().filter(|_| view.standing != Standing::Unseen)
}

fn waits(view: &View) -> Option<String> {
    let waiting = roll(view)?.waiting.as_ref().filter(|waiting| !waiting.message.is_empty())?;
    Some(format!("Waits for {}\n", waiting.message))
}

/// Standard output.
struct Screen {
    terminal: bool,
    colour: bool,
    /// Lines of the last block, to be painted over.
    lines: usize,
    /// What was shown last, so that what is no news is not printed again.
    last: Option<View>,
}

impl Screen {
    fn new() -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let colour = terminal && AutoStream::choice(&stdout) != ColorChoice::Never;
        Self { terminal, colour, lines: 0, last: None }
    }

    fn repaints(&self) -> bool {
        self.terminal
    }

    fn show(&mut self, view: &View) -> io::Result<()> {
        let width = comfy_table::Table::new().width().filter(|_| self.terminal);
        let style = Style { width, colour: self.colour };
        let mut out = io::stdout().lock();
        if self.terminal {
            let text = fitted(&block(view, style), width);
            if self.lines > 0 {
                // Up to where the last block began, and clear from there.
                write!(out, "\x1b[{}A\x1b[J", self.lines)?;
            }
            self.lines = text.lines().count();
            write!(out, "{text}")?;
        } else if self.last.as_ref().is_none_or(|last| !same_steps(last, view)) {
            write!(out, "\n{}", block(view, style))?;
        } else if let Some(waits) = waits(view).filter(|_| waits(view) != self.last.as_ref().and_then(waits))
        {
            write!(out, "{waits}")?;
        }
        self.last = Some(view.clone());
        out.flush()
    }
}

/// Whether two views differ at most in ages and in what is waited for.
fn same_steps(one: &View, other: &View) -> bool {
    let told = |view: &View| {
        let mut view = View { at: one.at, ..view.clone() };
        if let Some(roll) = &mut view.roll {
            roll.waiting = None;
        }
        block(&view, Style::default())
    };
    told(one) == told(other)
}

/// Lines outside of tables, cut to the width of the screen: a line that wraps would be painted over only in
/// part.
fn fitted(text: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from) else { return text.to_owned() };
    let fit = |line: &str| match line.contains('\x1b') || line.chars().count() <= width {
        true => format!("{line}\n"),
        false => format!("{}…\n", line.chars().take(width.saturating_sub(1)).collect::<String>()),
    };
    text.lines().map(fit).collect()
}
