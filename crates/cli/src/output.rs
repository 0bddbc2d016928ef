//! The only module that prints.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use snafu::ResultExt;

use crate::args::Format;
use crate::error::{Error, JsonSnafu, WriteSnafu, YamlSnafu};
use crate::report::Report;
use crate::table::{self, Style};

/// Clears the screen.
const CLEAR: &str = "\x1b[2J";
/// To the first line.
const HOME: &str = "\x1b[H";
/// Clears to the end of the line.
const CLEAR_LINE: &str = "\x1b[K";
/// Clears to the end of the screen.
const CLEAR_BELOW: &str = "\x1b[J";

/// Writes reports to standard output and warnings to standard error.
#[derive(Debug)]
pub struct Printer {
    format: Format,
    namespaces: bool,
    screen: Option<Screen>,
    printed: bool,
}

/// Standard output is a terminal.
#[derive(Clone, Copy, Debug)]
struct Screen {
    colour: bool,
}

impl Printer {
    /// For the standard output of this process. With `namespaces` a table has a column for them.
    pub fn new(format: Format, namespaces: bool) -> Printer {
        let stdout = io::stdout();
        // The choice honours NO_COLOR, CLICOLOR and TERM=dumb.
        let screen = || Screen { colour: AutoStream::choice(&stdout) != ColorChoice::Never };
        Printer { format, namespaces, screen: stdout.is_terminal().then(screen), printed: false }
    }

    /// Whether a later report is painted over an earlier one, so that ages can move.
    pub fn repaints(&self) -> bool {
        self.screen.is_some() && self.format == Format::Table
    }

    /// Prints a report once.
    ///
    /// # Errors
    /// When it can't be written as JSON or YAML, or standard output can't be written.
    pub fn print(&mut self, report: &Report) -> Result<(), Error> {
        let text = match self.format {
            Format::Table => self.table(report),
            Format::Json => format!("{}\n", serde_json::to_string_pretty(report).context(JsonSnafu)?),
            Format::Yaml => yaml(report)?,
        };
        write(&text)
    }

    /// Prints the next report of a watch: over the last one on a terminal, else as a block, a line of JSON or
    /// a document of YAML.
    ///
    /// # Errors
    /// As for [`Printer::print`].
    pub fn change(&mut self, report: &Report) -> Result<(), Error> {
        let first = !std::mem::replace(&mut self.printed, true);
        let text = match self.format {
            Format::Table if self.screen.is_some() => {
                let clear = if first { CLEAR } else { "" };
                let lines = self.table(report).replace('\n', &format!("{CLEAR_LINE}\n"));
                format!("{clear}{HOME}{lines}{CLEAR_BELOW}")
            }
            Format::Table if first => self.table(report),
            Format::Table => format!("\n{}", self.table(report)),
            Format::Json => format!("{}\n", serde_json::to_string(report).context(JsonSnafu)?),
            Format::Yaml if first => yaml(report)?,
            Format::Yaml => format!("---\n{}", yaml(report)?),
        };
        write(&text)
    }

    /// A sentence for people, on standard error.
    ///
    /// # Errors
    /// When standard error can't be written.
    pub fn warn(&self, text: &str) -> Result<(), Error> {
        warn(text)
    }

    fn table(&self, report: &Report) -> String {
        let style = match self.screen {
            Some(Screen { colour }) => Style { width: comfy_table::Table::new().width(), colour },
            None => Style::default(),
        };
        match report {
            Report::One(view) => table::story(view, style),
            Report::All(views) if views.is_empty() => String::new(),
            Report::All(views) => table::list(views, self.namespaces, style),
        }
    }
}

/// Text as it is, on standard output.
///
/// # Errors
/// When standard output can't be written.
pub fn print(text: &str) -> Result<(), Error> {
    write(text)
}

/// An error that ends the program, on standard error.
pub fn fail(error: &Error) {
    // A standard error that can't be written to leaves nobody to tell.
    let _ = warn(&format!("error: {error}"));
}

fn warn(text: &str) -> Result<(), Error> {
    writeln!(anstream::stderr().lock(), "{text}").context(WriteSnafu)
}

fn write(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context(WriteSnafu)
}

fn yaml(report: &Report) -> Result<String, Error> {
    serde_saphyr::to_string(report).map_err(Box::new).context(YamlSnafu)
}
