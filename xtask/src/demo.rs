//! `cargo xtask demo`: a Milvus is installed and upgraded on a real control plane, and one can watch.
//!
//! Everything is as a user has it: the chart by helm, the objects by kubectl, the operator with the rights of
//! its ServiceAccount. What was started stays, to be looked at, until `cargo xtask cluster down --name demo`.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use kube::Api;
use milvus_api::{ConditionType, Milvus, MilvusState};
use milvus_testkit::{tools, wait::wait_for};
use snafu::{OptionExt, ResultExt};

mod error;
mod live;
mod place;
mod shell;
mod subject;

pub(crate) use error::Error;
use error::{BuildSnafu, EnterSnafu, MissingBinarySnafu, NotHealthySnafu, ToolsSnafu};
use place::Place;
use shell::Shell;
use subject::Subject;

use crate::cargo;

/// The cluster's name, for `cargo xtask cluster`.
const CLUSTER: &str = "demo";
/// The image that the example of the on-premises guide upgrades to.
const TARGET: &str = "milvusdb/milvus:v2.4.10";
/// How long a new Milvus may take. Played pods take seconds; real nodes have to pull images.
const HEALTHY_WITHIN: Duration = Duration::from_mins(15);
/// The columns that the guide looks at before and during an upgrade.
const IMAGES: &str = "custom-columns=name:.metadata.name,image:.spec.components.image,\
                      rollingUpdate:.spec.components.enableRollingUpdate";
const PROGRESS: &str = "custom-columns=name:.metadata.name,updated:.status.conditions[4].status,\
                        message:.status.conditions[4].message";

#[derive(Parser)]
pub(crate) struct Args {
    /// Use a cluster that exists (kind, k3d, a real one): a context of KUBECONFIG
    #[arg(long, value_name = "NAME", conflicts_with = "ready_delay")]
    context: Option<String>,
    /// Apply this `Milvus` (of image v2.4.9) instead of the demo's own, whose etcd and MinIO run on this
    /// machine: needed where nodes are real, for its pods must reach what it depends on
    #[arg(long, value_name = "FILE", requires = "context")]
    milvus: Option<PathBuf>,
    /// End everything afterwards, instead of leaving it to be looked at
    #[arg(long)]
    down: bool,
    /// Seconds until a pod is Ready
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = crate::cluster::seconds)]
    ready_delay: Duration,
}

/// Runs the demo.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Error> {
    let shown = Box::pin(show(&args)).await;
    if args.down {
        place::clear_away().await?;
    } else if shown.is_err() && place::exists()? {
        println!("\nWhat was started still runs, to be looked into; `{}` ends it.", place::DOWN);
    }
    shown.map(|()| ExitCode::SUCCESS)
}

async fn show(args: &Args) -> Result<(), Error> {
    let started = Instant::now();
    step("Building the operator and the kubectl plugin");
    let build = async { cargo::build(&["milvus-operator", "kubectl-milvus"]).await.context(BuildSnafu) };
    let (binaries, ()) = tokio::try_join!(build, programs(args))?;
    let binary = |name| binaries.get(name).context(MissingBinarySnafu { name });
    let (operator, plugin) = (binary("milvus-operator")?, binary("kubectl-milvus")?);

    let place = Place::prepare(args).await?;
    let mut operator = place.operator(operator).await?;
    let shell = Shell::new(&place.access, plugin).await;
    let subject = match &args.milvus {
        Some(file) => Subject::read(file, &place.namespace)?,
        None => Subject::with_dependencies(&place).await?,
    };

    step(&format!("A Milvus of image {}", subject.image));
    shell.run(&["apply", "-f", &subject.file.display().to_string()]).await?;
    let client = place.access.client().context(EnterSnafu)?;
    let api: Api<Milvus> = Api::namespaced(client, &subject.namespace);
    let since = Instant::now();
    let healthy =
        wait_for(api.clone(), &subject.name, HEALTHY_WITHIN, |milvus| milvus.is_some_and(is_healthy));
    Box::pin(operator.or_ended(healthy)).await?.map_err(Box::new).context(NotHealthySnafu)?;
    println!("Healthy after {:.1} s.", since.elapsed().as_secs_f64());

    step("Checks before the upgrade");
    let namespaced = |args: &[&str]| subject.namespaced(args, &place.namespace);
    shell.run(&namespaced(&["get", "milvus"])).await?;
    shell.run(&namespaced(&["get", "milvus", "-o", IMAGES])).await?;

    step(&format!("The upgrade to {TARGET}"));
    let patch = format!(r#"-p=[{{"op": "replace", "path": "/spec/components/image", "value": "{TARGET}"}}]"#);
    shell.run(&namespaced(&["patch", "milvus", &subject.name, "--type=json", &patch])).await?;
    let since = Instant::now();
    Box::pin(operator.or_ended(live::follow(api, &subject.name))).await??;
    println!("\nUpgraded in {:.1} s.", since.elapsed().as_secs_f64());

    step("The end");
    shell.run(&namespaced(&["get", "milvus"])).await?;
    shell.run(&namespaced(&["get", "milvus", "-o", IMAGES])).await?;
    shell.run(&namespaced(&["get", "milvus", "-o", PROGRESS])).await?;
    println!("\nThe demo took {:.0} s.", started.elapsed().as_secs_f64());
    if !args.down {
        farewell(&place, &shell, &subject, operator.log());
    }
    Ok(())
}

/// Builds what a cluster of the demo's own needs, where it is not there yet: beside the Rust build, because
/// each of the two leaves a core idle now and then.
async fn programs(args: &Args) -> Result<(), Error> {
    if args.context.is_some() {
        return Ok(());
    }
    tools::build_for(tools::Version::default()).await.context(ToolsSnafu)
}

/// What to type next.
fn farewell(place: &Place, shell: &Shell, subject: &Subject, log: Option<String>) {
    println!("\nTo look further (the pods are played where nodes are; everything else is real):\n");
    println!("  export KUBECONFIG={}", place.access.kubeconfig().display());
    println!("  export PATH={}$PATH", shell.directories());
    let name = &subject.name;
    for args in [
        vec!["milvus", "status", name],
        vec!["get", "deployments,pods"],
        vec!["events", "--for", &format!("milvus/{name}")],
        vec!["get", "milvus", name, "-o", "yaml"],
    ] {
        println!("  {}", shell::line(&subject.namespaced(&args, &place.namespace)));
    }
    if let Some(log) = log {
        println!("  less {log}    # the operator's log");
    }
    println!("\nTo stop it:\n\n  {}", place::DOWN);
}

/// Nothing is left to wait for since it was created.
pub(crate) fn is_healthy(milvus: &Milvus) -> bool {
    let Some(status) = &milvus.status else { return false };
    status.status == MilvusState::Healthy
        && status.observed_generation == milvus.metadata.generation
        && status.is_true(ConditionType::MilvusReady)
        && status.is_true(ConditionType::MilvusUpdated)
}

/// What comes now.
fn step(title: &str) {
    println!("\n== {title}");
}
