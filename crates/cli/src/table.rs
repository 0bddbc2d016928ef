//! A [`View`] as text for people.
//!
//! Takes views and a [`Style`]; gives text that ends in a line break. Pure: whether there is a terminal, how
//! wide it is and whether it wants colour is in the style.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, TableStyle, Width};
use jiff::Timestamp;
use milvus_api::{ConditionStatus, MilvusState, Reason, RolloutPhase};
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

use crate::age::age;
use crate::view::{Advice, Problem, Roll, Standing, View, Waiting};

/// How text is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Columns of the screen; long cells are wrapped to fit. Without it nothing is wrapped, so that a line
    /// stays a line for `grep`.
    pub width: Option<u16>,
    /// ANSI colours.
    pub colour: bool,
}

/// Space between two columns.
const GAP: u16 = 2;

/// Before what belongs to the line above.
const INDENT: &str = "    ";

/// Before an item of a list.
const LIST_INDENT: &str = "   ";

/// The least that the column ROLL gets on a narrow screen: a version and an arrow.
const NARROW_ROLL: u16 = 16;

/// Shown where there is nothing to show, as kubectl does.
const NOTHING: &str = "<none>";

/// All `views` as one table. With `namespaces` the first column is the namespace. Where it would be wider
/// than the screen, images lose their registry and the column ROLL is wrapped.
pub fn list(views: &[View], namespaces: bool, style: Style) -> String {
    let whole = list_with(views, namespaces, Style { width: None, ..style }, |view| &view.image);
    let fits = |width: u16| {
        whole
            .lines()
            .all(|line| anstream::adapter::strip_str(line).to_string().chars().count() <= width.into())
    };
    match style.width {
        Some(width) if !fits(width) => list_with(views, namespaces, style, short_image),
        Some(_) | None => whole,
    }
}

fn list_with<'a>(
    views: &'a [View],
    namespaces: bool,
    style: Style,
    image: fn(&'a View) -> &'a str,
) -> String {
    let mut table = table(style);
    let hidden = usize::from(!namespaces);
    let header = ["NAMESPACE", "NAME", "MODE", "STATUS", "UPDATED", "IMAGE", "ROLL", "AGE"];
    table.set_header(header.into_iter().skip(hidden));
    for view in views {
        let cells = [
            Cell::new(&view.namespace),
            Cell::new(&view.name),
            Cell::new(&view.mode),
            status_cell(view),
            updated_cell(view),
            Cell::new(image(view)),
            Cell::new(short_roll(view)),
            Cell::new(age_or_none(view.created, view.at)),
        ];
        table.add_row(cells.into_iter().skip(hidden));
    }
    let roll = 6 - hidden;
    let fixed: Vec<usize> = (0..8 - hidden).filter(|column| *column != roll).collect();
    if let Some(column) = table.column_mut(roll) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(NARROW_ROLL)));
    }
    finish(table, &fixed)
}

/// An image without registry and path, so that the tag can be seen.
fn short_image(view: &View) -> &str {
    view.image.rsplit('/').next().unwrap_or(&view.image)
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
    let lists = [
        ("These fields have no effect yet:", &view.unsupported),
        ("These fields are probably not meant so:", &view.warnings),
    ];
    for (title, fields) in lists.into_iter().filter(|(_, fields)| !fields.is_empty()) {
        let lines: String = fields.iter().map(|field| wrapped(field, LIST_INDENT, style)).collect();
        blocks.push(format!("{title}\n{lines}"));
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
        let refused = view.standing == Standing::Refused && view.open_roll().is_none();
        table.add_row([if refused { "Running" } else { "Before" }, running]);
    }
    if let Some(endpoint) = &view.endpoint {
        table.add_row(["Endpoint", endpoint]);
    }
    table.add_row(["Age", &age_or_none(view.created, view.at)]);
    finish(table, &[0])
}

fn roll_block(view: &View, roll: &Roll, style: Style) -> String {
    let sentence = roll.sentence();
    let sentence = sentence.trim_end_matches('.');
    let took = roll.started.zip(roll.finished).map(|(from, to)| format!(", after {}", age(from, to)));
    let title = match (roll.started, roll.finished) {
        (_, Some(finished)) => {
            format!("{sentence} {} ago{}.", age(finished, view.at), took.unwrap_or_default())
        }
        // Under way, the sentence is the headline already.
        (Some(started), None) if view.standing == Standing::Rolling => {
            format!("Under way for {}.", age(started, view.at))
        }
        (Some(started), None) => format!("{sentence}, under way for {}.", age(started, view.at)),
        (None, None) => format!("{sentence}."),
    };
    let title = wrapped(&title, "", style);
    if roll.steps.is_empty() || roll.phase == Some(RolloutPhase::Superseded) {
        return title;
    }
    format!("{title}{}", roll_table(roll, view.at, style))
}

fn waiting_block(waiting: &Waiting, now: Timestamp, style: Style) -> String {
    let since = waiting.since.map(|since| format!("since {}", age(since, now)));
    let words: Vec<String> =
        waiting.step.iter().cloned().chain(since).chain([waiting.reason.clone()]).collect();
    let title = wrapped(&format!("Waits for {}", words.join(", ")), "", style);
    format!("{title}{}{}", indented(&waiting.message, style), advice_lines(waiting.advice.as_ref(), style))
}

fn problems_block(problems: &[Problem], now: Timestamp, style: Style) -> String {
    let mut text = "Not as it should be:\n".to_owned();
    for problem in problems {
        let since = problem.since.map(|since| format!(" since {}", age(since, now))).unwrap_or_default();
        let colour = Some(Color::Red).filter(|_| problem.status == ConditionStatus::False.as_str());
        let mut table = table(style);
        table.add_row([
            coloured(&problem.condition, colour),
            Cell::new(format!("{}{since}, {}", problem.status, problem.reason)),
        ]);
        text.push_str(&finish(table, &[0]));
        text.push_str(&indented(&problem.message, style));
        text.push_str(&advice_lines(problem.advice.as_ref(), style));
    }
    text
}

/// What to do. The command is a line of its own and never wrapped, so that it can be copied.
fn advice_lines(advice: Option<&Advice>, style: Style) -> String {
    let Some(advice) = advice else { return String::new() };
    let command = advice.command.as_ref().map(|command| format!("{INDENT}{command}\n"));
    format!("{}{}", indented(&format!("What to do: {}", advice.text), style), command.unwrap_or_default())
}

fn indented(text: &str, style: Style) -> String {
    if text.is_empty() { String::new() } else { wrapped(text, INDENT, style) }
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

/// Lines that fit the screen, each after `indent`.
fn wrapped(text: &str, indent: &str, style: Style) -> String {
    let options = textwrap::Options::new(style.width.map_or(usize::MAX, usize::from))
        .initial_indent(indent)
        .subsequent_indent(indent)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    format!("{}\n", textwrap::fill(text, options))
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
