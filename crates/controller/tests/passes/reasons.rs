//! Every row of the registry of reasons is produced: each reason has a scenario, and together they tell each reason in
//! every place where it may stand. The same for the keys that are set. That there are no others, every world checks by
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use milvus_api::keys::{DOCUMENTED, KeyDoc, KeyUse};
use milvus_api::{Place, Reason as Own};
use milvus_plan::Reason as Path;
use milvus_state::Reason;

use crate::scenarios::Scenario;
use crate::world::told::row_of;

/// The scenario that tells a reason. A new reason needs its line.
fn scenario(reason: Reason) -> Scenario {
    match reason {
        Reason::Own(reason) => own(reason),
        Reason::Path(reason) => path(reason),
    }
}

fn own(reason: Own) -> Scenario {
    match reason {
        Own::EtcdReady
        | Own::EtcdNotReady
        | Own::StorageReady
        | Own::ClientError
        | Own::BucketMissing
        | Own::SecretNotExist
        | Own::SecretError
        | Own::SecretDecodeError
        | Own::MsgStreamReady
        | Own::MsgStreamNotReady
        | Own::CreateClientFailed
        | Own::ConnectionOK
        | Own::ConnectionFailed
        | Own::ProbeCrashed => Scenario::Probes,
        Own::DependencyNotReady => Scenario::NotProbed,
        Own::MilvusHealthy
        | Own::MilvusComponentNotHealthy
        | Own::MilvusComponentsUpdated
        | Own::MilvusComponentsUpdating
        | Own::NoUpgrade
        | Own::Accepted
        | Own::Supported
        | Own::StatusChanged => Scenario::Create,
        Own::MilvusUpgradingImage
        | Own::UpgradeRecorded
        | Own::UpgradeDone
        | Own::WaitingForRollout
        | Own::WaitingForPodsReady
        | Own::WaitingForPodsGone
        | Own::StepStarted
        | Own::StepDone => Scenario::Roll,
        Own::MilvusDowngradingImage => Scenario::Downgrade,
        Own::MilvusStopping | Own::MilvusStopped => Scenario::Stop,
        Own::AcceptedWithWarnings => Scenario::Warned,
        Own::InvalidSpec => Scenario::Invalid,
        Own::ModeChangeRefused => Scenario::Mode,
        Own::DependencyChangeRefused => Scenario::Dependencies,
        Own::NotYetSupported => Scenario::NotSupported,
        Own::MilvusNotFound => Scenario::Upgrades,
        Own::WaitingForDependencies => Scenario::Away,
        Own::WaitingForFormerObjects => Scenario::Former,
        Own::HeldByAnnotation => Scenario::Held,
        Own::WaitingForUnpause => Scenario::Paused,
        Own::WaitingForManualMode => Scenario::Manual,
        Own::PodProblem | Own::Stalled => Scenario::Crash,
        Own::PodsRefused => Scenario::Quota,
        Own::UpgradeHalted => Scenario::Halted,
        Own::UpgradeSuperseded => Scenario::Superseded,
        Own::WriteFailed => Scenario::WriteRefused,
        Own::CredentialsChanged => Scenario::Credentials,
    }
}

fn path(reason: Path) -> Scenario {
    match reason {
        Path::UnknownVersion
        | Path::VersionNotUpdated
        | Path::NeedsMetadataMigration
        | Path::NeedsDataMigration
        | Path::NeedsIntermediateVersion
        | Path::NeedsMixCoordinator
        | Path::UpgradeNotSupportedYet
        | Path::PrereleaseHasNoPath
        | Path::MinorDowngrade
        | Path::PathNotKnown
        | Path::OlderUnderRollingUpgrade
        | Path::NewerUnderRollingDowngrade
        | Path::MessageQueueChange => Scenario::Path(reason),
    }
}

/// Each reason is told where it may stand, and each key is set.
#[test]
fn every_row_is_produced() {
    let scenarios: BTreeSet<Scenario> = Reason::all().map(scenario).chain(Scenario::MORE).collect();
    let mut told: BTreeMap<Scenario, BTreeSet<(Place, String)>> = BTreeMap::new();
    let mut set = BTreeSet::new();
    for scenario in scenarios {
        let history = scenario.run().history;
        told.insert(scenario, history.told);
        set.extend(history.keys.iter().filter_map(|key| row_of(key).map(|row| row.key)));
    }
    for reason in Reason::all() {
        let found = told[&scenario(reason)].iter().any(|(_, word)| word == reason.as_str());
        assert!(found, "{:?} does not tell {}", scenario(reason), reason.as_str());
    }
    let all: BTreeSet<&(Place, String)> = told.values().flatten().collect();
    let places = |reason: Reason| reason.row().places.iter().map(move |place| (*place, reason.as_str()));
    let missing: Vec<_> = Reason::all()
        .flat_map(places)
        .filter(|(place, word)| !all.contains(&(*place, (*word).to_owned())))
        .collect();
    assert!(missing.is_empty(), "in the registry, and told by no scenario: {missing:#?}");
    let never = |row: &&KeyDoc| row.usage == KeyUse::Set && !set.contains(row.key);
    let never: Vec<&str> = DOCUMENTED.iter().filter(never).map(|row| row.key).collect();
    assert!(never.is_empty(), "in the registry as set by us, and set in no scenario: {never:?}");
}

#[test]
fn no_word_is_in_the_registry_twice() {
    let words: BTreeSet<&str> = Reason::all().map(Reason::as_str).collect();
    assert_eq!(words.len(), Reason::all().count());
    for reason in Reason::all() {
        assert_eq!(reason.as_str().parse(), Ok(reason));
        assert!(!reason.meaning().is_empty() && !reason.row().places.is_empty(), "{reason:?}");
    }
}
