//! Logs: to standard error, as text for people or as JSON for collectors.

use clap::ValueEnum;
use snafu::{ResultExt as _, Snafu};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::Subscriber;

/// Libraries that log what callers report anyway: `rskafka` writes a warning for every broker that does not answer; the controller of `kube`
/// names the object of a pass at length, which the pass does itself.
const QUIET: [&str; 3] = ["rskafka=off", "tower=warn", "kube_runtime::controller=warn"];

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// One line of text.
    #[default]
    #[value(alias = "console")]
    Text,
    /// One JSON object.
    Json,
}

/// Why there are no logs.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The filter can't be read.
    #[snafu(display(
        "--log-level {filter:?} is no filter: use error, warn, info, debug or trace, or for example info,kube=debug: {source}"
    ))]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Somebody has set logging up already.
    #[snafu(display("logging is set up already: {source}"))]
    Twice {
        /// What the library says.
        source: tracing::subscriber::SetGlobalDefaultError,
    },
}

/// Sets logging up for the whole process. `filter` is a level, or directives such as `info,kube=debug`.
pub fn init(format: LogFormat, filter: &str) -> Result<(), Error> {
    let filter = directives(filter)?;
    let builder = Subscriber::builder().with_writer(std::io::stderr).with_env_filter(filter);
    match format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(false).finish()).context(TwiceSnafu)
        }
        LogFormat::Json => {
            let json = builder.json().flatten_event(true).with_span_list(false);
            tracing::subscriber::set_global_default(json.finish()).context(TwiceSnafu)
        }
    }
}

/// Zap's levels as filters: a number is how much more than info is wanted, and Go has levels above error.
fn level(filter: &str) -> &str {
    match filter {
        "dpanic" | "panic" | "fatal" => "error",
        "1" => "debug",
        number if number.parse::<u32>().is_ok_and(|n| n > 1) => "trace",
        other => other,
    }
}

/// The filter with [`QUIET`] in front: what the user says of the same library comes later, and counts.
fn directives(filter: &str) -> Result<EnvFilter, Error> {
    let filter = level(filter);
    // Parsed by itself first, so that the error shows what the user wrote.
    EnvFilter::try_new(filter).context(FilterSnafu { filter })?;
    EnvFilter::try_new(format!("{},{filter}", QUIET.join(","))).context(FilterSnafu { filter })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noisy_libraries_are_quiet_unless_asked() {
        assert!(directives("info").unwrap().to_string().contains("rskafka=off"));
        let asked = directives("info,rskafka=debug").unwrap().to_string();
        assert!(asked.contains("rskafka=debug") && !asked.contains("rskafka=off"), "{asked}");
    }

    #[test]
    fn levels_of_zap_are_understood() {
        for (zap, ours) in [("1", "debug"), ("5", "trace"), ("panic", "error"), ("error", "error")] {
            let filter = directives(zap).unwrap().to_string();
            assert!(filter.split(',').any(|directive| directive == ours), "{zap}: {filter}");
        }
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = directives("info,kube=loud").unwrap_err().to_string();
        assert!(error.contains("--log-level") && error.contains("kube=loud"), "{error}");
    }
}
