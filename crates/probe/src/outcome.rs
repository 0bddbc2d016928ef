//! What a probe found, in the words of a Kubernetes condition.

/// What a probe found, in one word. All but [`Reason::BucketMissing`] and [`Reason::ProbeCrashed`] are reasons of
/// `zilliztech/milvus-operator`, which users' scripts match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// At least one etcd endpoint can be used.
    EtcdReady,
    /// No etcd endpoint can be used.
    EtcdNotReady,
    /// The bucket can be listed, or cannot be checked from here and is assumed to be there.
    StorageReady,
    /// The object storage cannot be reached or refuses the credentials.
    ClientError,
    /// The object storage answers and accepts the credentials, but the bucket is not there. Milvus creates it
    /// when it starts for the first time, so before that this is no fault:
    /// [`Outcome::usable_for_first_start`].
    BucketMissing,
    /// The message queue can be used.
    MsgStreamReady,
    /// The message queue (Kafka) cannot be used.
    MsgStreamNotReady,
    /// The address of the message queue (Pulsar) is not one.
    CreateClientFailed,
    /// Every address accepts connections; more cannot be asked without the credentials of the Milvus pods.
    ConnectionOk,
    /// An address does not accept connections, or the server behind it does not answer as it should.
    ConnectionFailed,
    /// The probe itself crashed: a defect of this program, not of what was probed.
    ProbeCrashed,
}

/// What a probe found. Equal findings are equal values: a message holds no time, no attempt count and no
/// address that the user did not write, because the condition (and so the `Milvus` object) is written
/// whenever it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether Milvus can use the dependency.
    pub ready: bool,
    /// Why.
    pub reason: Reason,
    /// The condition's message; never contains a credential. Empty where upstream's is.
    pub message: String,
}

impl Outcome {
    /// A dependency that can be used.
    pub fn ready(reason: Reason, message: impl Into<String>) -> Self {
        Self { ready: true, reason, message: message.into() }
    }

    /// A dependency that cannot be used.
    pub fn not_ready(reason: Reason, message: impl Into<String>) -> Self {
        Self { ready: false, reason, message: message.into() }
    }

    /// Whether a Milvus that never ran before can start on this: [`Self::ready`], or only its bucket is
    /// missing. For a Milvus that did run, a missing bucket means that its data is gone, and it must not be
    /// taken for ready.
    pub fn usable_for_first_start(&self) -> bool {
        self.ready || self.reason == Reason::BucketMissing
    }
}
