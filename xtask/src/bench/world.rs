//! What is measured in: a control plane with played pods, etcd, MinIO, and the operator as users install it,
//! built for release.

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use milvus_api::{ConditionType, Milvus, MilvusState};
use milvus_testkit::{
    ControlPlane,
    audit::Event,
    etcd::{self, Etcd},
    minio::Minio,
    operator::{self, Operator},
    wait,
};
use serde_json::{Value, json};
use snafu::ResultExt;

use super::error::{
    AskSnafu, AuditSnafu, EnterSnafu, Error, EtcdSnafu, MinioSnafu, NotReachedSnafu, OperatorSnafu,
    PlaneSnafu,
};

/// How long a Milvus may take to become Healthy, and a roll to end, on a busy machine.
const WITHIN: Duration = Duration::from_mins(5);
const BUCKET: &str = "bench";
const SECRET: &str = "s3";
const ACCESS_KEY: &str = "bench-access-key";
const SECRET_KEY: &str = "bench-secret-key";

/// An operator to be measured: its program, and the chart of the same sources.
pub(super) struct Subject {
    pub(super) binary: PathBuf,
    pub(super) chart: PathBuf,
}

/// Everything that runs. It ends when this is dropped.
pub(super) struct World {
    pub(super) plane: ControlPlane,
    pub(super) client: Client,
    pub(super) operator: Operator,
    pub(super) options: operator::Options,
    etcd: Etcd,
    minio: Minio,
}

impl World {
    /// Starts all of it, with the operator that `subject` is.
    pub(super) async fn start(subject: &Subject) -> Result<Self, Error> {
        let plane = Box::pin(ControlPlane::new()).await.context(PlaneSnafu)?;
        let etcd = Etcd::start(etcd::Options::default()).await.context(EtcdSnafu)?;
        let minio = Minio::start(ACCESS_KEY, SECRET_KEY).await.context(MinioSnafu)?;
        minio.create_bucket(BUCKET).await.context(MinioSnafu)?;
        let options = operator::Options::new(&subject.chart, &subject.binary);
        let operator = Operator::install(plane.access(), &options).await.context(OperatorSnafu)?;
        let client = plane.client().context(EnterSnafu)?;
        Ok(Self { plane, client, operator, options, etcd, minio })
    }

    /// The Milvus objects of a namespace.
    pub(super) fn milvus(&self, namespace: &str) -> Api<Milvus> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Makes a namespace with the credentials of the object storage.
    pub(super) async fn namespace(&self, name: &str) -> Result<(), Error> {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        let created = Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await;
        created.context(AskSnafu { action: "creating a namespace" })?;
        let mut secret = Secret::default();
        secret.metadata.name = Some(SECRET.to_owned());
        let data = [("accesskey", ACCESS_KEY), ("secretkey", SECRET_KEY)];
        secret.string_data = Some(data.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        let api: Api<Secret> = Api::namespaced(self.client.clone(), name);
        api.create(&PostParams::default(), &secret)
            .await
            .context(AskSnafu { action: "creating a Secret" })
            .map(|_| ())
    }

    /// Creates a Milvus with external dependencies.
    pub(super) async fn create(
        &self,
        namespace: &str,
        name: &str,
        mode: Mode,
        image: &str,
    ) -> Result<(), Error> {
        let object = self.manifest(name, mode, image);
        let object: Milvus = serde_json::from_value(object)
            .map_err(kube::Error::SerdeError)
            .context(AskSnafu { action: "making a Milvus" })?;
        let created = self.milvus(namespace).create(&PostParams::default(), &object).await;
        created.context(AskSnafu { action: "creating a Milvus" }).map(|_| ())
    }

    fn manifest(&self, name: &str, mode: Mode, image: &str) -> Value {
        let (mode, queue, coordinators) = match mode {
            Mode::Cluster => ("cluster", "woodpecker", json!({ "mixCoord": {} })),
            Mode::Standalone => ("standalone", "rocksmq", json!({})),
        };
        let mut components = json!({ "image": image, "enableRollingUpdate": mode == "cluster" });
        if let (Some(all), Some(more)) = (components.as_object_mut(), coordinators.as_object()) {
            all.extend(more.clone());
        }
        json!({
            "apiVersion": "milvus.io/v1beta1",
            "kind": "Milvus",
            "metadata": { "name": name },
            "spec": {
                "mode": mode,
                "components": components,
                "dependencies": {
                    "etcd": { "external": true, "endpoints": [self.etcd.address()] },
                    "storage": {
                        "external": true,
                        "type": "MinIO",
                        "endpoint": self.minio.address(),
                        "secretRef": SECRET,
                    },
                    "msgStreamType": queue,
                },
                "config": { "minio": { "bucketName": BUCKET } },
                "upgradePolicy": { "minReadySeconds": 1 },
            },
        })
    }

    /// Changes the image, as `kubectl patch --type=json` does.
    pub(super) async fn set_image(&self, namespace: &str, name: &str, image: &str) -> Result<(), Error> {
        let patch = json!([{ "op": "replace", "path": "/spec/components/image", "value": image }]);
        let patch = serde_json::from_value(patch)
            .map_err(kube::Error::SerdeError)
            .context(AskSnafu { action: "making a patch" })?;
        let patch = Patch::<Milvus>::Json(patch);
        let patched = self.milvus(namespace).patch(name, &PatchParams::default(), &patch).await;
        patched.context(AskSnafu { action: "changing an image" }).map(|_| ())
    }

    /// Waits until everything is as the spec asks and `image` runs; when a watch showed it.
    pub(super) async fn settled(&self, namespace: &str, name: &str, image: &str) -> Result<Timestamp, Error> {
        let settled = |milvus: Option<&Milvus>| milvus.is_some_and(|milvus| is_settled(milvus, image));
        let waited = Box::pin(wait::wait_for(self.milvus(namespace), name, WITHIN, settled)).await;
        waited.map_err(Box::new).context(NotReachedSnafu)?;
        Ok(Timestamp::now())
    }

    /// All requests so far.
    pub(super) fn audit(&self) -> Result<Vec<Event>, Error> {
        self.plane.audit().context(AuditSnafu)
    }

    /// Whether the request is the operator's.
    pub(super) fn is_operators(&self, event: &Event) -> bool {
        event.user == self.operator.user()
    }

    /// What the operator has written since then but for its Lease: verb, resource and object of each.
    pub(super) fn written_since(&self, from: Timestamp) -> Result<Vec<String>, Error> {
        let told = |event: &Event| {
            let Event { verb, resource, subresource, namespace, name, .. } = event;
            format!("{verb} {resource}/{subresource} {namespace}/{name}")
        };
        let all = self.audit()?;
        Ok(all.iter().filter(|event| self.wrote(event) && event.answered >= from).map(told).collect())
    }

    /// Whether the request is one by which the operator changes something other than its Lease.
    pub(super) fn wrote(&self, event: &Event) -> bool {
        self.is_operators(event) && event.is_write() && !is_lease(event)
    }
}

/// Which kind of Milvus.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    Cluster,
    Standalone,
}

fn is_settled(milvus: &Milvus, image: &str) -> bool {
    milvus.status.as_ref().is_some_and(|status| {
        status.status == MilvusState::Healthy
            && status.observed_generation == milvus.metadata.generation
            && status.is_true(ConditionType::MilvusUpdated)
            && status.current_image.as_deref() == Some(image)
    })
}

/// Whether the request keeps the Lease.
pub(super) fn is_lease(event: &Event) -> bool {
    event.resource == "leases"
}
