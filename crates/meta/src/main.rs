//! The program `meta-migration`: reads a call, does it, says how it ended.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;
use milvus_meta::{
    VERSION, describe,
    etcd::Etcd,
    run::{Facts, Migration, RunError},
};
use milvus_plan::migration::{CONTRACT, Outcome, Report, Verb};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use cli::{
    args::{Cli, Format, with_two_dashes},
    output,
    request::Request,
};

fn main() -> ExitCode {
    let cli = Cli::parse_from(with_two_dashes(std::env::args_os()));
    // Fails only when a provider was installed before, and nothing was.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(call(&cli))),
        Err(error) => {
            output::say(&format!("the runtime cannot be started: {error}"));
            Outcome::Failed
        }
    };
    ExitCode::from(outcome.exit_code())
}

async fn call(cli: &Cli) -> Outcome {
    let mut facts = Facts::default();
    let request = match Request::new(cli) {
        Ok(request) => request,
        Err(error) => {
            let outcome = Outcome::BadRequest;
            let report = report(Verb::Run, outcome, error.to_string(), String::new(), facts);
            let format = cli.options.output.unwrap_or(Format::Json);
            return last_words(cli, &report, format);
        }
    };
    for key in &request.unread {
        output::say(&format!("warning: nobody reads `{key}` of the configuration"));
    }
    let meta_root = request.root.meta();
    let (verb, format) = (request.verb, request.format);
    let result = Box::pin(work(cli, request, &mut facts)).await;
    let (outcome, message) = match result {
        Ok(message) => (Outcome::Done, message),
        Err(error) => (error.outcome(), error.to_string()),
    };
    last_words(cli, &report(verb, outcome, message, meta_root, facts), format)
}

async fn work(cli: &Cli, request: Request, facts: &mut Facts) -> Result<String, RunError> {
    if request.not_needed {
        return Ok("version compatible, no need to migrate".into());
    }
    let stop = CancellationToken::new();
    watch_signals(&stop);
    let etcd = Etcd::connect(request.access, request.root).await?;
    let progress = output::progress(cli.options.quiet);
    let migration = Migration { etcd, settings: request.settings, progress, stop };
    match request.verb {
        Verb::Inspect => migration.inspect(facts).await,
        Verb::Backup => migration.backup(facts).await,
        Verb::Plan => plan(&migration, request.format, facts).await,
        Verb::Apply => migration.apply(facts).await,
        Verb::Verify => migration.verify(facts).await,
        Verb::Rollback => migration.rollback(facts).await,
        Verb::Run => migration.run(facts).await,
    }
}

async fn plan(migration: &Migration, format: Format, facts: &mut Facts) -> Result<String, RunError> {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    if format == Format::Yaml {
        // A list needs a name to stand beside the report.
        let _ = std::io::Write::write_all(&mut out, b"changes:\n");
    }
    let mut print = |key: &[u8], value: &[u8], effect: &milvus_meta::transform::Effect| {
        if format != Format::Table {
            for line in describe::lines(key, value, effect) {
                // A reader that has gone is no reason to stop: the exit code still tells.
                let _ = output::change(&mut out, format, &line);
            }
        }
    };
    let plan = migration.plan(facts, &mut print).await?;
    let _ = std::io::Write::flush(&mut out);
    let changes = plan.changes;
    Ok(format!(
        "{} new, {} rewritten, {} removed, {} untouched; nothing was written",
        changes.new_keys, changes.rewritten, changes.removed, changes.untouched
    ))
}

fn watch_signals(stop: &CancellationToken) {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let Ok(mut signal) = signal(kind) else { continue };
        let stop = stop.clone();
        tokio::spawn(async move {
            signal.recv().await;
            stop.cancel();
        });
    }
}

fn report(verb: Verb, outcome: Outcome, message: String, meta_root: String, facts: Facts) -> Report {
    Report {
        contract: CONTRACT,
        tool: VERSION.to_owned(),
        verb,
        outcome,
        message,
        meta_root,
        schema: facts.schema,
        stage: facts.stage,
        revision: facts.revision,
        backup: facts.backup,
        changes: facts.changes,
        census: facts.census,
        written: facts.written,
        notes: facts.notes,
    }
}

fn last_words(cli: &Cli, report: &Report, format: Format) -> Outcome {
    if report.outcome != Outcome::Done {
        output::say(&format!("error: {}", report.message));
    }
    if let Err(error) = output::finish(report, format, &cli.options.termination_message) {
        output::say(&format!("the report cannot be written: {error}"));
    }
    report.outcome
}
