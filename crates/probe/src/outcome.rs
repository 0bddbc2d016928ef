//! What a probe found, in the words of a Kubernetes condition.

/// Condition reasons. All but [`BUCKET_MISSING`](reason::BUCKET_MISSING) and
/// [`PROBE_CRASHED`](reason::PROBE_CRASHED) are those of `zilliztech/milvus-operator`, which users' scripts
/// match on.
pub mod reason {
    /// At least one etcd endpoint can be used.
    pub const ETCD_READY: &str = "EtcdReady";
    /// No etcd endpoint can be used.
    pub const ETCD_NOT_READY: &str = "EtcdNotReady";
    /// The bucket can be listed, or cannot be checked from here and is assumed to be there.
    pub const STORAGE_READY: &str = "StorageReady";
    /// The object storage cannot be reached or refuses the credentials.
    pub const CLIENT_ERROR: &str = "ClientError";
    /// The object storage answers and accepts the credentials, but the bucket is not there. Milvus creates it
    /// when it starts for the first time, so before that this is no fault:
    /// [`super::Outcome::usable_for_first_start`].
    pub const BUCKET_MISSING: &str = "BucketMissing";
    /// The message queue can be used.
    pub const MSG_STREAM_READY: &str = "MsgStreamReady";
    /// The message queue (Kafka) cannot be used.
    pub const MSG_STREAM_NOT_READY: &str = "MsgStreamNotReady";
    /// The address of the message queue (Pulsar) is not one.
    pub const CREATE_CLIENT_FAILED: &str = "CreateClientFailed";
    /// Every address accepts connections; more cannot be asked without the credentials of the Milvus pods.
    pub const CONNECTION_OK: &str = "ConnectionOK";
    /// An address does not accept connections, or the server behind it does not answer as it should.
    pub const CONNECTION_FAILED: &str = "ConnectionFailed";
    /// The probe itself crashed: a defect of this program, not of what was probed.
    pub const PROBE_CRASHED: &str = "ProbeCrashed";
}

/// What a probe found. Equal findings are equal values: a message holds no time, no attempt count and no
/// address that the user did not write, because the condition (and so the `Milvus` object) is written
/// whenever it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether Milvus can use the dependency.
    pub ready: bool,
    /// The condition's reason, one of [`reason`].
    pub reason: &'static str,
    /// The condition's message; never contains a credential. Empty where upstream's is.
    pub message: String,
}

impl Outcome {
    /// A dependency that can be used.
    pub fn ready(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: true, reason, message: message.into() }
    }

    /// A dependency that cannot be used.
    pub fn not_ready(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: false, reason, message: message.into() }
    }

    /// Whether a Milvus that never ran before can start on this: [`Self::ready`], or only its bucket is
    /// missing. For a Milvus that did run, a missing bucket means that its data is gone, and it must not be
    /// taken for ready.
    pub fn usable_for_first_start(&self) -> bool {
        self.ready || self.reason == reason::BUCKET_MISSING
    }
}
