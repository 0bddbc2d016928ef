//! Every single fault, and faults by chance, on the small operator with and without its planted bug.

use milvus_sim::harness::{Choice, Fault, Odds, explore, replay, seeds};

use crate::toy::{OneRoll, Style};

#[test]
fn no_single_fault_changes_the_end() {
    let report = explore(&OneRoll { style: Style::Careful }, &Choice::default());
    assert!(report.failed.is_empty(), "{report}");
    assert!(report.runs > 300, "{report}");
    println!("{report}");
}

/// Written and not answered, or killed right after: the next try makes another one. So does a watch that
/// brings the status late.
#[test]
fn single_faults_find_the_planted_bug_and_their_plans_replay() {
    let scenario = OneRoll { style: Style::Careless };
    let done = [Fault::KillAfter, Fault::LostReply, Fault::NoReply];
    let choice = Choice { faults: done.to_vec(), every_poll: 0, ..Choice::default() };
    let report = explore(&scenario, &choice);
    let mut kinds: Vec<String> = report.failed.iter().map(|f| f.plan.faults[0].fault.to_string()).collect();
    kinds.sort();
    kinds.dedup();
    for kind in done {
        assert!(kinds.contains(&kind.to_string()), "{report}");
    }
    let lines = report.failed.iter().map(|failed| failed.plan.to_string());
    let begin = "seed=1 create one; roll 2.4.10; operator-0 at create configmaps 1: ";
    let line = lines.into_iter().find(|line| line.starts_with(begin)).unwrap();
    let again = replay(&scenario, line.parse().unwrap(), None);
    let maps = again.result.unwrap()["maps"].clone();
    assert_eq!(maps.as_array().unwrap().len(), 4, "{maps}: config, 2.4.9 twice, 2.4.10");
}

#[test]
fn chance_changes_nothing_either() {
    let report = seeds(&OneRoll { style: Style::Careful }, 0..40, Odds::default(), 2);
    assert!(report.failed.is_empty(), "{report}");
}

/// What a seed that went wrong is reported with is small, and shows the same again.
#[test]
fn chance_finds_the_planted_bug_and_its_plan_is_short() {
    let scenario = OneRoll { style: Style::Careless };
    let report = seeds(&scenario, 0..16, Odds::default(), 2);
    assert!(report.failed.len() > 2, "{report}");
    assert!(report.failed.iter().any(|failed| failed.plan.faults.len() == 1), "{report}");
    for failed in &report.failed {
        assert!((1..=3).contains(&failed.plan.faults.len()), "{}", failed.plan);
        let maps =
            replay(&scenario, failed.plan.to_string().parse().unwrap(), None).result.unwrap()["maps"].clone();
        assert!(maps.as_array().unwrap().len() > 3, "{}", failed.plan);
    }
}
