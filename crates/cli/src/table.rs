//! A [`View`] as text for people.
//!
//! Takes views and a [`Style`]; gives text that ends in a line break. Pure: whether there is a terminal, how wide it is and whether
//! it wants colour is in the style.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, TableStyle};
use jiff::Timestamp;
use milvus_api::{ConditionStatus, MilvusState, Reason, RolloutPhase};

use crate::age::age;
use crate::view::{Problem, Roll, Standing, View, Waiting};

/// How text is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Columns of the screen; long cells are wrapped to fit. Without it nothing is wrapped, so that a line stays a line for `grep`.
    pub width: Option<u16>,
    /// ANSI colours.
    pub colour: bool,
}

/// Space between two columns.
const GAP: u16 = 2;

/// Shown where there is nothing to show, as kubectl does.
const NOTHING: &str = "<none>";

/// All `views` as one table. With `namespaces` the first column is the namespace.
pub fn list(views: &[View], namespaces: bool, style: Style) -> String {
    let mut table = table(style);
    let header = ["NAMESPACE", "NAME", "MODE", "STATUS", "UPDATED", "IMAGE", "ROLL", "AGE"];
    table.set_header(header.iter().skip(usize::from(!namespaces)));
    for view in views {
        let cells = [
            Cell::new(&view.namespace),
            Cell::new(&view.name),
            Cell::new(&view.mode),
            status_cell(view),
            updated_cell(view),
            Cell::new(&view.image),
            Cell::new(short_roll(view)),
            Cell::new(age_or_none(view.created, view.at)),
        ];
        table.add_row(cells.into_iter().skip(usize::from(!namespaces)));
    }
    // A name is there to be copied, a state to be read at a glance; image and roll share what is left.
    let fixed = if namespaces { [0, 1, 2, 3, 4, 7].as_slice() } else { [0, 1, 2, 3, 6].as_slice() };
    finish(table, fixed)
}

/// The story of one Milvus: where it stands, the roll, what it waits for, what is wrong.
pub fn story(view: &View, style: Style) -> String {
    let mut blocks = vec![head(view, style)];
    if let Some(roll) = &view.roll {
        blocks.push(roll_block(view, roll, style));
        blocks.extend(roll.waiting.as_ref().map(|waiting| waiting_block(waiting, view.at, style)));
    }
    if !view.problems.is_empty() {
        blocks.push(problems_block(&view.problems, view.at, style));
    }
    if !view.unsupported.is_empty() {
        let mut table = table(style);
        view.unsupported.iter().for_each(|field| drop(table.add_row(["", field.as_str()])));
        blocks.push(format!("These fields have no effect yet:\n{}", finish(table, &[0])));
    }
    blocks.join("\n")
}

/// The steps of a change of image: STEP COMPONENT FROM TO STATE SINCE.
pub fn roll_table(roll: &Roll, now: Timestamp, style: Style) -> String {
    let mut table = table(style);
    table.set_header(["STEP", "COMPONENT", "FROM", "TO", "STATE", "SINCE"]);
    for step in &roll.steps {
        let stuck = roll.waiting.as_ref().is_some_and(|w| {
            w.reason == Reason::PodProblem.as_str() && w.step.as_deref() == Some(&step.name)
        });
        let colour = match step.state.as_str() {
            "done" => Some(Color::Green),
            "updating" if stuck => Some(Color::Red),
            "updating" => Some(Color::Yellow),
            _ => None,
        };
        table.add_row([
            Cell::new(step.step),
            Cell::new(&step.component),
            Cell::new(&step.from),
            Cell::new(&step.to),
            coloured(&step.state, colour),
            Cell::new(step.since.map(|since| age(since, now)).unwrap_or_default()),
        ]);
    }
    finish(table, &[0, 1, 4, 5])
}

fn head(view: &View, style: Style) -> String {
    let mut table = table(style);
    table.add_row(["Milvus", &format!("{} in namespace {}", view.name, view.namespace)]);
    table.add_row([Cell::new("Status"), status_cell(view)]);
    table.add_row([Cell::new(""), Cell::new(&view.headline)]);
    if let Some(updated) = &view.updated {
        // A refusal stands in both conditions; it is told once, below.
        let told = view.problems.iter().any(|problem| problem.message == view.updated_message);
        let text = match (told, view.updated_message.as_str()) {
            (true, _) | (false, "") => updated.clone(),
            (false, message) => format!("{updated}: {message}"),
        };
        table.add_row(["Updated", &text]);
    }
    table.add_row(["Mode", &view.mode]);
    table.add_row(["Image", &view.image]);
    if let Some(running) = &view.running_image {
        table.add_row(["Before", running]);
    }
    if let Some(endpoint) = &view.endpoint {
        table.add_row(["Endpoint", endpoint]);
    }
    table.add_row(["Age", &age_or_none(view.created, view.at)]);
    finish(table, &[0])
}

fn roll_block(view: &View, roll: &Roll, style: Style) -> String {
    let mut line = roll.sentence();
    match (roll.started, roll.finished) {
        (_, Some(finished)) => line = format!("{line} {} ago.", age(finished, view.at)),
        (Some(started), None) if roll.open => line = format!("{line} Under way for {}.", age(started, view.at)),
        _ => {}
    }
    // Under way, the sentence is the headline already.
    let title = if view.standing == Standing::Rolling {
        roll.started.map(|started| format!("Under way for {}.", age(started, view.at))).unwrap_or_default()
    } else {
        line
    };
    let title = if title.is_empty() { title } else { wrapped(&title, style) };
    let steps = if roll.steps.is_empty() { String::new() } else { roll_table(roll, view.at, style) };
    let superseded = roll.phase == Some(RolloutPhase::Superseded);
    if superseded { title } else { format!("{title}{steps}") }
}

fn waiting_block(waiting: &Waiting, now: Timestamp, style: Style) -> String {
    let mut table = table(style);
    let mut first = waiting.step.clone().map(|step| format!("{step}, ")).unwrap_or_default();
    if let Some(since) = waiting.since {
        first.push_str(&format!("since {}, ", age(since, now)));
    }
    table.add_row(["Waits for", &format!("{first}{}", waiting.reason)]);
    table.add_row(["", &waiting.message]);
    if let Some(advice) = &waiting.advice {
        table.add_row(["What to do", advice]);
    }
    finish(table, &[0])
}

fn problems_block(problems: &[Problem], now: Timestamp, style: Style) -> String {
    let mut table = table(style);
    for problem in problems {
        let since = problem.since.map(|since| format!(" since {}", age(since, now))).unwrap_or_default();
        let colour = Some(Color::Red).filter(|_| problem.status == ConditionStatus::False.as_str());
        table.add_row([
            coloured(&problem.condition, colour),
            Cell::new(format!("{}{since}, {}", problem.status, problem.reason)),
        ]);
        if !problem.message.is_empty() {
            table.add_row(["", &problem.message]);
        }
        if let Some(advice) = &problem.advice {
            table.add_row(["", &format!("What to do: {advice}")]);
        }
    }
    format!("Not as it should be:\n{}", finish(table, &[0]))
}

fn short_roll(view: &View) -> String {
    match (view.standing, view.open_roll()) {
        (Standing::Refused, _) => {
            let reason = view.problems.first().map(|problem| problem.reason.as_str());
            format!("refused: {}", reason.unwrap_or("see the conditions"))
        }
        (Standing::Paused, _) => "paused".to_owned(),
        (_, Some(roll)) => roll.short(),
        (_, None) => NOTHING.to_owned(),
    }
}

fn status_cell(view: &View) -> Cell {
    let colour = match view.status.parse() {
        Ok(MilvusState::Healthy) => Some(Color::Green),
        Ok(MilvusState::Unhealthy) => Some(Color::Red),
        Ok(MilvusState::Pending | MilvusState::Deleting | MilvusState::Stopped) => Some(Color::Yellow),
        Ok(MilvusState::Other(_)) | Err(_) => None,
    };
    coloured(if view.status.is_empty() { NOTHING } else { &view.status }, colour)
}

fn updated_cell(view: &View) -> Cell {
    let updated = view.updated.as_deref().unwrap_or(NOTHING);
    coloured(updated, Some(Color::Yellow).filter(|_| updated == ConditionStatus::False.as_str()))
}

fn age_or_none(then: Option<Timestamp>, now: Timestamp) -> String {
    then.map_or_else(|| "<unknown>".to_owned(), |then| age(then, now))
}

fn coloured(text: &str, colour: Option<Color>) -> Cell {
    let cell = Cell::new(text);
    match colour {
        Some(colour) => cell.fg(colour),
        None => cell,
    }
}

fn wrapped(text: &str, style: Style) -> String {
    let mut table = table(style);
    table.add_row([text]);
    finish(table, &[])
}

fn table(style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    match style.width {
        Some(width) => table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.force_no_tty();
    if style.colour {
        table.enforce_styling();
    }
    table
}

/// The text. Columns named in `fixed` are never wrapped.
fn finish(mut table: Table, fixed: &[usize]) -> String {
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { GAP }));
        if fixed.contains(&index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}
