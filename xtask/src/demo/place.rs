//! Where the demo takes place: a cluster of its own, or one that exists; and the operator there.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Namespace, Node},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use milvus_testkit::{
    Access,
    access::Output,
    clusters,
    control_plane::Options,
    operator::{self, Operator},
    stages::{self, Delays},
    wait::wait_for,
};
use snafu::{ResultExt, ensure};

use super::{
    Args, CLUSTER, Error,
    error::{
        AskSnafu, ClearSnafu, ClusterSnafu, EnterSnafu, OperatorEndedSnafu, OperatorSnafu, RealNodesSnafu,
        WatchOperatorSnafu,
    },
    step,
};
use crate::cargo;

/// How the demo is stopped.
pub(super) const DOWN: &str = "cargo xtask cluster down --name demo";
/// The Lease that every Milvus operator works under, ours and the one in Go.
const LEASE: &str = "71808ec5.milvus.io";
/// The demo's namespace in a cluster that is not its own.
const NAMESPACE: &str = "milvus-demo";
/// How long what an earlier demo left in somebody's cluster may take to go.
const GONE_WITHIN: Duration = Duration::from_mins(3);
/// Nodes that kwok plays carry this, whoever runs it.
const PLAYED: &str = "kwok.x-k8s.io/node";
/// How long one wait for the end of the operator lasts; it is then waited for again. It occupies a thread
/// that this program waits for when it ends itself.
const WATCH_OPERATOR: Duration = Duration::from_millis(250);

/// A cluster to show something in.
pub(super) struct Place {
    pub(super) access: Access,
    /// Where kubectl works without `-n`.
    pub(super) namespace: String,
    /// What is started is noted here, and ends with the cluster.
    pub(super) directory: PathBuf,
    /// Whether it was started for the demo.
    own: bool,
}

impl Place {
    /// A clean cluster of the demo's own, or the one that the arguments name. What an earlier demo left
    /// running is ended.
    pub(super) async fn prepare(args: &Args) -> Result<Self, Error> {
        step("A Kubernetes control plane");
        if exists()? {
            println!("Ending what an earlier demo has left.");
            clear_away().await?;
        }
        let directory = clusters::directory(CLUSTER).context(ClusterSnafu)?;
        let Some(context) = &args.context else {
            let delays = Delays { ready: args.ready_delay, ..Delays::default() };
            let options = Options { delays, ..Options::default() };
            let (_, access) = Box::pin(clusters::up(CLUSTER, options, None)).await.context(ClusterSnafu)?;
            println!("{} serves; its pods are played, no container runs.", access.server());
            return Ok(Self { access, namespace: "default".to_owned(), directory, own: true });
        };
        let access = clusters::attach(CLUSTER, Some(context)).await.context(ClusterSnafu)?;
        let namespace = if args.milvus.is_some() {
            access.client().context(EnterSnafu)?.default_namespace().to_owned()
        } else {
            ensure!(is_played(&access).await?, RealNodesSnafu);
            // In the copy of the kubeconfig, so that what is shown can be typed without `-n`.
            let set = ["config", "set-context", "--current", "--namespace", NAMESPACE];
            access.kubectl(set).await.and_then(Output::success).context(EnterSnafu)?;
            NAMESPACE.to_owned()
        };
        println!("Using {} of the context {context}.", access.server());
        Ok(Self { access, namespace, directory, own: false })
    }

    /// Sees to it that an operator works: the one that does already, else the given binary, with the chart
    /// installed.
    pub(super) async fn operator(&self, binary: &Path) -> Result<Running, Error> {
        step("The chart and the operator");
        if !self.own
            && let Some(holder) = active_operator(&self.access).await?
        {
            println!("An operator works in this cluster: {holder}.");
            return Ok(Running { operator: None });
        }
        let chart = cargo::root().join("charts/milvus-operator");
        let mut options = operator::Options::new(chart, binary);
        options.detached_in = Some(self.directory.clone());
        let operator = Operator::install(&self.access, &options).await.context(OperatorSnafu)?;
        println!("helm has installed charts/milvus-operator in namespace {}.", operator::NAME);
        println!("The operator is process {} of this machine, as {}.", operator.id().pid, operator.user());
        Ok(Running { operator: Some(operator) })
    }

    /// Makes the namespace of the demo's objects, without anything that an earlier demo left in it.
    pub(super) async fn clean_namespace(&self) -> Result<(), Error> {
        if self.own {
            return Ok(());
        }
        let api: Api<Namespace> = Api::all(self.access.client().context(EnterSnafu)?);
        match api.delete(NAMESPACE, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            deleted => {
                deleted.context(AskSnafu { action: "deleting the namespace of an earlier demo" })?;
                println!("Waiting until the namespace {NAMESPACE} of an earlier demo is gone.");
                let gone = wait_for(api.clone(), NAMESPACE, GONE_WITHIN, |namespace| namespace.is_none());
                gone.await.map_err(Box::new).context(ClearSnafu { namespace: NAMESPACE })?;
            }
        }
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(NAMESPACE.to_owned());
        let created = api.create(&PostParams::default(), &namespace).await;
        created.context(AskSnafu { action: "creating the demo's namespace" }).map(|_| ())
    }
}

/// The operator of the demo.
pub(super) struct Running {
    /// None if it is not ours.
    operator: Option<Operator>,
}

impl Running {
    /// The result of `work`; an error if the operator ends first.
    pub(super) async fn or_ended<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let Some(operator) = &self.operator else { return Ok(work.await) };
        let ended = async {
            while !operator.id().exited(WATCH_OPERATOR).await.context(WatchOperatorSnafu)? {}
            OperatorEndedSnafu { log: operator.log() }.fail()
        };
        tokio::select! {
            result = work => Ok(result),
            ended = ended => ended,
        }
    }

    /// Where its log is, if it is ours.
    pub(super) fn log(&self) -> Option<String> {
        self.operator.as_ref().map(|operator| operator.log().display().to_string())
    }
}

/// Whether a cluster of an earlier demo is known.
pub(super) fn exists() -> Result<bool, Error> {
    Ok(clusters::list().context(ClusterSnafu)?.iter().any(|name| name == CLUSTER))
}

/// Ends what the demo has started, and forgets a cluster that is not its own.
pub(super) async fn clear_away() -> Result<(), Error> {
    clusters::down(CLUSTER).await.context(ClusterSnafu).map(|_| ())
}

async fn is_played(access: &Access) -> Result<bool, Error> {
    let api: Api<Node> = Api::all(access.client().context(EnterSnafu)?);
    let nodes = api.list(&ListParams::default()).await.context(AskSnafu { action: "listing the nodes" })?;
    let (label, value) = stages::NODE_LABEL;
    let is_played = |node: &Node| {
        node.annotations().contains_key(PLAYED) || node.labels().get(label).is_some_and(|is| is == value)
    };
    Ok(nodes.items.iter().all(is_played))
}

/// Who holds the operators' Lease now. Pods tell nothing here: one that is played runs no operator.
async fn active_operator(access: &Access) -> Result<Option<String>, Error> {
    let api: Api<Lease> = Api::all(access.client().context(EnterSnafu)?);
    let named = ListParams::default().fields(&format!("metadata.name={LEASE}"));
    let leases = api.list(&named).await.context(AskSnafu { action: "asking for the operators' Lease" })?;
    let now = Timestamp::now();
    Ok(leases.items.into_iter().filter_map(|lease| lease.spec).find_map(|spec| {
        let seconds = i64::from(spec.lease_duration_seconds.unwrap_or_default());
        let fresh = now.duration_since(spec.renew_time?.0).as_secs() <= seconds;
        spec.holder_identity.filter(|holder| fresh && !holder.is_empty())
    }))
}
