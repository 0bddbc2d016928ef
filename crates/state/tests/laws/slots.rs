//! The hand-over of pods between two Deployments, against a small model of the Deployment controller.

use milvus_state::records::Slot;
use milvus_state::rollout::slots::{SLOTS, Size, SlotPlan, SlotView, Template, plan};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Pod {
    template: u8,
    ready: bool,
    ending: bool,
}

#[derive(Clone, Debug)]
struct Deployment {
    template: u8,
    replicas: i32,
    written_at: i64,
    pods: Vec<Pod>,
}

/// Template of an idle slot.
const DUMMY: u8 = 0;

/// Both Deployments, the pointer, and what is wanted.
#[derive(Clone, Debug)]
struct Model {
    slots: [Option<Deployment>; 2],
    hint: Option<Slot>,
    wanted: u8,
    number: i32,
    generation: i64,
    open: bool,
    exclusive: bool,
}

/// Something that happens beside the operator.
#[derive(Clone, Copy, Debug)]
enum Event {
    Pass,
    Controller(usize),
    Ready(usize),
    Gone(usize),
    Target,
    Resize(i32),
    Close(bool),
    LoseHint,
    Delete(usize),
}

impl Model {
    fn new(number: i32) -> Model {
        Model {
            slots: [None, None],
            hint: None,
            wanted: 1,
            number,
            generation: 1,
            open: true,
            exclusive: false,
        }
    }

    fn view(&self, slot: usize) -> Option<SlotView> {
        let it = self.slots[slot].as_ref()?;
        let count =
            |filter: &dyn Fn(&&Pod) -> bool| i32::try_from(it.pods.iter().filter(filter).count()).unwrap();
        Some(SlotView {
            at_target: it.template == self.wanted,
            replicas: it.replicas,
            available: count(&|p| p.ready && !p.ending && p.template == it.template),
            pods: count(&|_| true),
            written_at: Some(it.written_at),
        })
    }

    fn pass(&mut self) -> SlotPlan {
        let size = Size { wanted: self.number, autoscaled: false, exclusive: self.exclusive };
        let plan = plan(self.hint, [self.view(0), self.view(1)], size, self.open);
        self.hint = Some(plan.current);
        for (slot, goal) in SLOTS.into_iter().map(|slot| plan.goal(slot)).enumerate() {
            let before = self.slots[slot].clone();
            let template = match goal.template {
                Template::Target => self.wanted,
                Template::Idle => DUMMY,
                Template::Keep => before.as_ref().map_or(DUMMY, |d| d.template),
            };
            let fresh = before.as_ref().is_none_or(|d| d.template != template);
            let written_at = match &before {
                Some(d) if !fresh => d.written_at,
                _ if template == DUMMY => 0,
                _ => self.generation,
            };
            let pods = before.map(|d| d.pods).unwrap_or_default();
            self.slots[slot] = Some(Deployment { template, replicas: goal.replicas, written_at, pods });
        }
        plan
    }

    /// One look of the Deployment controller: new pods as far as there is room, then old ones end as far as they can be spared.
    fn controller(&mut self, slot: usize) {
        let Some(it) = self.slots[slot].as_mut() else { return };
        let (template, replicas) = (it.template, it.replicas);
        let live = |pods: &[Pod], new: bool| {
            let live = pods.iter().filter(|p| !p.ending && (p.template == template) == new);
            i32::try_from(live.count()).unwrap()
        };
        while live(&it.pods, true) < replicas
            && live(&it.pods, true) + live(&it.pods, false) < replicas + i32::from(live(&it.pods, false) > 0)
        {
            it.pods.push(Pod { template, ready: false, ending: false });
        }
        for new in [false, true] {
            loop {
                let available = it.pods.iter().filter(|p| p.ready && !p.ending).count();
                let spare = i32::try_from(available).unwrap() > replicas;
                let excess = if new { live(&it.pods, true) > replicas } else { live(&it.pods, false) > 0 };
                // As a ReplicaSet does: pods that are not ready go first.
                let mut candidates: Vec<&mut Pod> =
                    it.pods.iter_mut().filter(|p| !p.ending && (p.template == template) == new).collect();
                candidates.sort_by_key(|p| p.ready);
                let found = candidates.into_iter().find(|p| !p.ready || spare || new);
                match found {
                    Some(pod) if excess => pod.ending = true,
                    _ => break,
                }
            }
        }
    }

    fn ready(&mut self, slot: usize) {
        let pod = self.slots[slot].as_mut().and_then(|d| d.pods.iter_mut().find(|p| !p.ready && !p.ending));
        if let Some(pod) = pod {
            pod.ready = true;
        }
    }

    fn gone(&mut self, slot: usize) {
        if let Some(it) = self.slots[slot].as_mut()
            && let Some(index) = it.pods.iter().position(|p| p.ending)
        {
            it.pods.remove(index);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Pass => {
                self.pass();
            }
            Event::Controller(slot) => self.controller(slot),
            Event::Ready(slot) => self.ready(slot),
            Event::Gone(slot) => self.gone(slot),
            Event::Target => {
                self.generation += 1;
                self.wanted = self.wanted % 9 + 1;
            }
            Event::Resize(number) => {
                self.generation += 1;
                self.number = number;
            }
            Event::Close(closed) => self.open = !closed,
            Event::LoseHint => self.hint = None,
            Event::Delete(slot) => self.slots[slot] = None,
        }
    }

    /// Everything goes its way until nothing moves any more; the current slots on that way, without repetitions.
    fn settle(&mut self, mut each: impl FnMut(&Model)) -> Vec<Slot> {
        let mut currents = Vec::new();
        for _ in 0..400 {
            let before = format!("{self:?}");
            currents.push(self.pass().current);
            each(self);
            for slot in [0, 1] {
                self.controller(slot);
                each(self);
                self.ready(slot);
                each(self);
                self.gone(slot);
                each(self);
            }
            if format!("{self:?}") == before {
                currents.dedup();
                return currents;
            }
        }
        panic!("never at rest: {self:?}");
    }

    fn pods(&self) -> i32 {
        i32::try_from(self.slots.iter().flatten().map(|d| d.pods.len()).sum::<usize>()).unwrap()
    }

    fn slots_with_pods(&self) -> usize {
        self.slots.iter().flatten().filter(|d| !d.pods.is_empty()).count()
    }

    fn serving(&self) -> i32 {
        let pods = self.slots.iter().flatten().flat_map(|d| &d.pods);
        i32::try_from(pods.filter(|p| p.ready && !p.ending).count()).unwrap()
    }

    fn at_target(&self) -> i32 {
        let pods = self.slots.iter().flatten().flat_map(|d| &d.pods);
        i32::try_from(pods.filter(|p| p.template == self.wanted).count()).unwrap()
    }
}

fn event() -> impl Strategy<Value = Event> {
    let slot = 0..2usize;
    prop_oneof![
        8 => Just(Event::Pass),
        8 => slot.clone().prop_map(Event::Controller),
        8 => slot.clone().prop_map(Event::Ready),
        8 => slot.clone().prop_map(Event::Gone),
        2 => Just(Event::Target),
        1 => (0..5i32).prop_map(Event::Resize),
        1 => any::<bool>().prop_map(Event::Close),
        1 => Just(Event::LoseHint),
        1 => slot.prop_map(Event::Delete),
    ]
}

fn view() -> impl Strategy<Value = Option<SlotView>> {
    let fields = (any::<bool>(), any::<i32>(), any::<i32>(), any::<i32>(), any::<Option<i64>>());
    let view = fields.prop_map(|(at_target, replicas, available, pods, written_at)| SlotView {
        at_target,
        replicas,
        available,
        pods,
        written_at,
    });
    prop::option::of(view)
}

fn hint() -> impl Strategy<Value = Option<Slot>> {
    prop::option::of(prop::sample::select(SLOTS.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// From any state that a history of edits, deletions and slow pods can lead to: when nothing else happens, it ends with
    /// exactly the wanted pods at the target and none beside them, and a settled pair stays as it is.
    #[test]
    fn it_ends_at_the_target(number in 0..5i32, events in prop::collection::vec(event(), 0..60)) {
        let mut model = Model::new(number);
        for event in events {
            model.happen(event);
        }
        model.open = true;
        let currents = model.settle(|_| {});
        prop_assert_eq!(model.at_target(), model.number);
        prop_assert_eq!(model.pods(), model.number);
        prop_assert_eq!(model.serving(), model.number);
        prop_assert!(currents.len() <= 2, "goes to and fro: {:?}", currents);
        let populated = model.slots.iter().flatten().filter(|d| d.replicas > 0).count();
        prop_assert_eq!(populated, usize::from(model.number > 0), "one slot has them all");
    }

    /// From rest, by one new template, whatever the order in which pods start and end: never more than one pod too many,
    /// ending ones counted, never one too few, and the current slot changes once.
    #[test]
    fn a_hand_over_has_one_pod_too_many_at_most(
        number in 1..6i32,
        rolls in 1..4usize,
        events in prop::collection::vec((0..4u8, 0..2usize), 0..80),
    ) {
        let mut model = Model::new(number);
        model.settle(|_| {});
        for _ in 0..rolls {
            model.happen(Event::Target);
            let mut bounds = |model: &Model| {
                assert!(model.pods() <= number + 1, "{model:?}");
                assert!(model.serving() >= number, "{model:?}");
            };
            for (kind, slot) in events.clone() {
                let kinds = [Event::Pass, Event::Controller(slot), Event::Ready(slot), Event::Gone(slot)];
                model.happen(kinds[usize::from(kind)]);
                bounds(&model);
            }
            let before = model.hint;
            let currents = model.settle(&mut bounds);
            prop_assert!(currents.len() == 1 || Some(currents[0]) == before, "{:?}", currents);
            prop_assert_eq!((model.at_target(), model.pods()), (number, number));
        }
    }

    /// Going back in the middle keeps what serves: the old pods stay, and as many serve as are wanted.
    #[test]
    fn a_revert_keeps_what_serves(
        number in 1..6i32,
        events in prop::collection::vec((0..4u8, 0..2usize), 0..40),
    ) {
        let mut model = Model::new(number);
        model.settle(|_| {});
        let old = model.wanted;
        model.happen(Event::Target);
        for (kind, slot) in events {
            let kinds = [Event::Pass, Event::Controller(slot), Event::Ready(slot), Event::Gone(slot)];
            model.happen(kinds[usize::from(kind)]);
        }
        model.wanted = old;
        model.settle(|model| {
            assert!(model.pods() <= number + 1, "{model:?}");
            assert!(model.serving() >= number, "{model:?}");
        });
        prop_assert_eq!((model.at_target(), model.pods()), (number, number));
    }

    /// Pods that must not run at once never do, whatever is asked for in between: those of one slot have ended before the first of the
    /// other starts. It ends at the target all the same.
    #[test]
    fn what_is_exclusive_never_runs_twice(number in 0..3i32, events in prop::collection::vec(event(), 0..80)) {
        let mut model = Model { exclusive: true, ..Model::new(number) };
        model.settle(|_| {});
        // A Deployment that is deleted by hand leaves its pods to nobody: the model forgets them at once.
        for event in events.into_iter().filter(|event| !matches!(event, Event::Delete(_))) {
            model.happen(event);
            prop_assert!(model.slots_with_pods() <= 1, "{:?}", model);
        }
        model.open = true;
        model.settle(|model| assert!(model.slots_with_pods() <= 1, "{model:?}"));
        prop_assert_eq!((model.at_target(), model.pods()), (model.number, model.number));
    }

    /// Before its turn nothing moves: no template changes, and no pod of another template starts.
    #[test]
    fn closed_means_closed(number in 0..5i32, resized in 0..5i32) {
        let mut model = Model::new(number);
        model.settle(|_| {});
        let old = model.wanted;
        model.happen(Event::Target);
        model.open = false;
        model.number = resized;
        model.settle(|_| {});
        prop_assert!(model.slots.iter().flatten().flat_map(|d| &d.pods).all(|p| p.template == old));
        prop_assert_eq!(model.pods(), resized, "its number follows all the same");
    }

    /// Any numbers at all: an answer, and never a negative number of pods or more than are there or wanted.
    #[test]
    fn total(hint in hint(), zero in view(), one in view(), wanted: i32, flags: [bool; 3]) {
        let [autoscaled, exclusive, open] = flags;
        let plan = plan(hint, [zero, one], Size { wanted, autoscaled, exclusive }, open);
        let most = [zero, one].iter().flatten().map(|v| v.replicas).fold(wanted.max(0), i32::max);
        for slot in SLOTS {
            prop_assert!(plan.goal(slot).replicas <= most);
        }
    }
}
