//! `milvus-operator`: see the library for what it does.

use std::process::ExitCode;

use milvus_operator::args::Args;
use milvus_operator::{process, telemetry};

// The work is waiting for answers. A thread for each processor of a large node would cost memory and gain nothing.
#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    // Before any client exists; it fails only when one is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::from_command_line();
    if let Err(error) = telemetry::init(args.log_format, &args.log_level) {
        return fail(&error);
    }
    match process::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "ends");
            ExitCode::FAILURE
        }
    }
}

/// There is no log yet to say it in.
#[allow(clippy::print_stderr, reason = "logging could not be set up")]
fn fail(error: &telemetry::Error) -> ExitCode {
    eprintln!("milvus-operator: {error}");
    ExitCode::FAILURE
}
