//! `milvus-operator` (shell to be merged).
use milvus_cluster::{connect, watch::Scope};
use milvus_operator::{context::Context, metrics::Metrics, run};
use milvus_probe::Prober;
use milvus_state::render::Tool;
use std::sync::Arc;

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let client = connect::client(None).await.unwrap();
    let (prober, changes) = Prober::new();
    let tool = Tool { image: "milvus-operator:dev".into(), pull_policy: "IfNotPresent".into() };
    let ctx = Arc::new(Context::new(client, prober, Metrics::default(), tool, None));
    let (ready, _r) = tokio::sync::watch::channel(false);
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    run::controllers(ctx, changes, run::Settings { scope: Scope::All, concurrency: 0, ready }, stop).await;
}
