//! Between the words of the API and those of the plan. `api` and `plan` know nothing of each other; only this module does.

use milvus_api as api;
use milvus_plan as plan;

/// The API's name of a component.
pub fn component_name(component: plan::Component) -> api::ComponentName {
    use api::ComponentName as A;
    use plan::Component as P;
    match component {
        P::Cdc => A::Cdc,
        P::MixCoord => A::MixCoord,
        P::RootCoord => A::RootCoord,
        P::DataCoord => A::DataCoord,
        P::QueryCoord => A::QueryCoord,
        P::IndexCoord => A::IndexCoord,
        P::DataNode => A::DataNode,
        P::StreamingNode => A::StreamingNode,
        P::QueryNode => A::QueryNode,
        P::IndexNode => A::IndexNode,
        P::Proxy => A::Proxy,
        P::Standalone => A::Standalone,
    }
}

/// `spec.mode` as the plan has it.
pub fn mode(mode: api::Mode) -> plan::Mode {
    match mode {
        api::Mode::Cluster => plan::Mode::Cluster,
        api::Mode::Standalone => plan::Mode::Standalone,
    }
}

/// `spec.mode` as the API has it.
pub fn api_mode(mode: plan::Mode) -> api::Mode {
    match mode {
        plan::Mode::Cluster => api::Mode::Cluster,
        plan::Mode::Standalone => api::Mode::Standalone,
    }
}

/// `imageUpdateMode` as the plan has it.
pub fn update_mode(mode: api::ImageUpdateMode) -> plan::UpdateMode {
    match mode {
        api::ImageUpdateMode::RollingUpgrade => plan::UpdateMode::RollingUpgrade,
        api::ImageUpdateMode::RollingDowngrade => plan::UpdateMode::RollingDowngrade,
        api::ImageUpdateMode::All => plan::UpdateMode::All,
        api::ImageUpdateMode::Force => plan::UpdateMode::Force,
    }
}

/// `imageUpdateMode` as the API has it.
pub fn api_update_mode(mode: plan::UpdateMode) -> api::ImageUpdateMode {
    match mode {
        plan::UpdateMode::RollingUpgrade => api::ImageUpdateMode::RollingUpgrade,
        plan::UpdateMode::RollingDowngrade => api::ImageUpdateMode::RollingDowngrade,
        plan::UpdateMode::All => api::ImageUpdateMode::All,
        plan::UpdateMode::Force => api::ImageUpdateMode::Force,
    }
}

/// Direction of a plan as the status shows it; a first start has none.
pub fn direction(direction: plan::Direction) -> Option<api::RolloutDirection> {
    match direction {
        plan::Direction::Start => None,
        plan::Direction::Upgrade => Some(api::RolloutDirection::Upgrade),
        plan::Direction::Downgrade => Some(api::RolloutDirection::Downgrade),
        plan::Direction::Revert => Some(api::RolloutDirection::Revert),
        plan::Direction::Same => Some(api::RolloutDirection::Same),
    }
}

/// The reason of a hold as the status tells it; `None` for a pause, during which no status is written.
pub fn hold_reason(reason: plan::HoldReason) -> Option<api::Reason> {
    match reason {
        plan::HoldReason::ReconcilePaused => None,
        plan::HoldReason::WaitingForFormerObjects => Some(api::Reason::WaitingForFormerObjects),
        plan::HoldReason::WaitingForDependencies => Some(api::Reason::WaitingForDependencies),
        plan::HoldReason::HeldByAnnotation => Some(api::Reason::HeldByAnnotation),
    }
}

/// Coordinators as the status pins them.
pub fn coordinator_set(coordinators: plan::Coordinators) -> api::status::CoordinatorSet {
    match coordinators {
        plan::Coordinators::Mix => api::status::CoordinatorSet::Mix,
        plan::Coordinators::Four => api::status::CoordinatorSet::Four,
    }
}

/// A message queue by the word of the API; an unset one is none.
pub fn queue(kind: api::MsgStreamType) -> Option<plan::Queue> {
    match kind {
        api::MsgStreamType::Pulsar => Some(plan::Queue::Pulsar),
        api::MsgStreamType::Kafka => Some(plan::Queue::Kafka),
        api::MsgStreamType::Woodpecker => Some(plan::Queue::Woodpecker),
        api::MsgStreamType::RocksMq => Some(plan::Queue::Rocksmq),
        api::MsgStreamType::NatsMq => Some(plan::Queue::Natsmq),
        api::MsgStreamType::Custom => Some(plan::Queue::Custom),
        api::MsgStreamType::Unset => None,
    }
}

/// An image and its version as the status shows them.
pub fn rollout_image(side: &plan::Side) -> api::RolloutImage {
    api::RolloutImage {
        image: Some(side.image.clone()),
        version: side.version.known().map(ToString::to_string),
    }
}
