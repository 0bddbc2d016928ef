//! The clock jumps an hour forwards and back. Nothing is decided by it.

use jiff::{SignedDuration, Timestamp};
use milvus_api::ConditionType;
use milvus_plan::STALLED_AFTER_SECONDS;
use rstest::rstest;

use crate::world::{Demands, Fault, World, crs};

/// Jumps at one moment of a roll after the other, every third step; the order, the end and the words are those of a roll
/// without.
#[rstest]
#[case::nine_minutes_ahead(SignedDuration::from_mins(9))]
#[case::an_hour_ahead(SignedDuration::from_hours(1))]
#[case::an_hour_back(SignedDuration::from_hours(-1))]
fn a_jump_at_any_moment_of_a_roll_changes_nothing(#[case] jump: SignedDuration) {
    let rolled = |steps: usize, jump: SignedDuration| {
        let mut world = World::running(crs::mix("2.4.9"));
        world.demands = Demands { ordered: true, serving: true };
        world.set_image("2.4.10");
        let before = world.writes();
        let ended = (0..steps)
            .filter(|_| {
                world.step();
                world.updated()
            })
            .count()
            > 1;
        world.now = world.now.checked_add(jump).unwrap();
        world.settle();
        assert!(world.updated(), "{}", world.describe());
        let writes = world.writes() - before;
        (ended, world.order(), world.history.messages.clone(), writes)
    };
    let (_, order, messages, writes) = rolled(0, SignedDuration::ZERO);
    for steps in (0..).step_by(3) {
        let (ended, other_order, other_messages, other_writes) = rolled(steps, jump);
        assert_eq!((other_order, other_messages), (order.clone(), messages.clone()), "after {steps} steps");
        // A clock that has gone ahead by more makes a wait look like a stall until something moves, and that is told.
        if jump < SignedDuration::from_secs(STALLED_AFTER_SECONDS) {
            assert_eq!(other_writes, writes, "no more is written because of it");
        }
        if ended {
            return;
        }
    }
}

/// What waits since before the jump goes on to wait since then: "since" is when it began, by the clock of that moment.
#[rstest]
#[case::ahead(SignedDuration::from_mins(9))]
#[case::back(SignedDuration::from_hours(-1))]
fn a_wait_keeps_its_beginning(#[case] jump: SignedDuration) {
    let mut world = World::running(crs::mix("2.4.9"));
    world.behaviour.broken.insert(crs::image("2.4.10"));
    world.set_image("2.4.10");
    world.settle();
    let before = world.status().clone();
    world.now = world.now.checked_add(jump).unwrap();
    world.settle();
    assert_eq!(*world.status(), before);
}

fn failing() -> World {
    let mut world = World::new(crs::mix("2.4.9"));
    world.fault = Some(Fault::Refused(1));
    world.pass();
    world
}

fn since(world: &World) -> Timestamp {
    let condition = world.status().condition(ConditionType::UpgradeProgressing).unwrap();
    assert_eq!(condition.reason, "WriteFailed");
    condition.last_transition_time.as_ref().unwrap().0
}

/// The words of a failed write are kept for a minute when they change with every try, and never for longer because the clock went back.
#[rstest]
#[case::at_once(1, false)]
#[case::after_a_minute(60, true)]
#[case::an_hour_ahead(3600, true)]
#[case::an_hour_back(-3600, true)]
fn words_that_change_with_every_try_hold_for_a_minute(#[case] seconds: i64, #[case] renewed: bool) {
    let mut world = failing();
    let first = since(&world);
    world.now = world.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    world.refusal = "refused: request 2".to_owned();
    world.fault = Some(Fault::Refused(world.writes() + 1));
    world.pass();
    let message = world.condition(ConditionType::UpgradeProgressing).1;
    assert_eq!(message.contains("request 2"), renewed, "{message}");
    assert_eq!(since(&world) != first, renewed);
}
