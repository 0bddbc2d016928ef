//! `kubectl milvus`: dispatches a verb and turns its result into an exit code.

use std::process::ExitCode;

use clap::Parser;
use kubectl_milvus::args::{Cli, Verb};
use kubectl_milvus::cmd;
use kubectl_milvus::context::Context;
use kubectl_milvus::error::Error;
use kubectl_milvus::exit::Exit;
use kubectl_milvus::output::{self, Printer};

fn main() -> ExitCode {
    // Before the first TLS client: rustls takes no provider of its own choice. Err means that one is
    // installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(source) => Err(Error::Start { source }),
    };
    let exit = outcome.unwrap_or_else(|error| {
        if error.exit() != Exit::Fine {
            output::fail(&error);
        }
        error.exit()
    });
    exit.into()
}

async fn run(cli: Cli) -> Result<Exit, Error> {
    match &cli.verb {
        Verb::Completion { shell } => {
            output::print(&cmd::completion::script(*shell))?;
            Ok(Exit::Fine)
        }
        Verb::Status(args) => {
            let context = Context::connect(&cli.connection).await?;
            let mut printer = Printer::new(args.output, args.all_namespaces);
            cmd::status::run(args, &context, &mut printer).await
        }
    }
}
