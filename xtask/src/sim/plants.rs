//! The faults that are planted. Each is one edit of one file; a test sees that all of them still apply.

/// A fault that is planted in the pass.
pub(crate) struct Plant {
    /// What is wrong then.
    pub(crate) what: &'static str,
    /// The file, from the root of the repository.
    pub(crate) file: &'static str,
    /// What stands in it exactly once.
    pub(crate) from: &'static str,
    /// What takes its place.
    pub(crate) to: &'static str,
}

/// All, in the order of the pass.
pub(crate) const PLANTS: &[Plant] = &[
    Plant {
        what: "a change begins before its plan is in the status",
        file: "crates/plan/src/next.rs",
        from: "        _ if records => Decision::Record,",
        to: "        _ if records && at.is_none() => Decision::Record,",
    },
    Plant {
        what: "all steps are open at once",
        file: "crates/plan/src/next.rs",
        from: "steps.take_while(|step| is_done(step, progress));",
        to: "steps.filter(|_| true);",
    },
    Plant {
        what: "a step that is under way is never open again",
        file: "crates/plan/src/next.rs",
        from: ".filter(|at| at.begun || holds.is_empty())",
        to: ".filter(|at| !at.begun && holds.is_empty())",
    },
    Plant {
        what: "a status of an older generation is believed",
        file: "crates/state/src/rollout/progress.rs",
        from: "    if !record.observed() {\n        return wait(WaitReason::Generation);\n    }\n",
        to: "",
    },
    Plant {
        what: "a slot counts as available by its old status",
        file: "crates/state/src/rollout/progress.rs",
        from: "if record.observed() { record.available().min(record.updated()) } else { 0 }",
        to: "record.available()",
    },
    Plant {
        what: "pods of another image are not looked for",
        file: "crates/state/src/rollout/progress.rs",
        from: "p.terminating || other(p)",
        to: "p.terminating && other(p)",
    },
    Plant {
        what: "what was once seen to be done stays done",
        file: "crates/state/src/rollout/progress.rs",
        from: "    status.observed_generation == watched.milvus.generation && status",
        to: "    status",
    },
    Plant {
        what: "old pods go before new ones are available",
        file: "crates/state/src/rollout/slots.rs",
        from: "wanted.saturating_sub(available).max(0);",
        to: "wanted.saturating_sub(new.replicas.max(available)).max(0);",
    },
    Plant {
        what: "the hint is believed, not the pods",
        file: "crates/state/src/rollout/slots.rs",
        from: "        (true, false, _) => Slot::Zero,\n        (false, true, _) => Slot::One,\n",
        to: "",
    },
    Plant {
        what: "a revert does not find what still serves",
        file: "crates/state/src/rollout/slots.rs",
        from: "if other.at_target && other.replicas > 0 {",
        to: "if other.at_target && other.replicas > 1_000 {",
    },
    Plant {
        what: "a missing Deployment gets the new image before its turn",
        file: "crates/state/src/changes/workload.rs",
        from: "                (true, _) => Ok(wanted()),",
        to: "                (true, _) | (_, Some(_)) => Ok(wanted()),",
    },
    Plant {
        what: "a refused change is carried out",
        file: "crates/state/src/decide.rs",
        from: "running.as_ref().unwrap_or(&parsed.desired);",
        to: "&parsed.desired;",
    },
    Plant {
        what: "what is left over goes before all is done",
        file: "crates/state/src/decide.rs",
        from: "stale.into_iter().filter(|_| done)",
        to: "stale",
    },
    Plant {
        what: "deployments are not stopped at the end",
        file: "crates/state/src/decide.rs",
        from: "watched.owned().filter(|d| !d.deleting);",
        to: "watched.owned().filter(|d| d.deleting);",
    },
    Plant {
        what: "new pods are asked for after old ones are let go",
        file: "crates/state/src/changes/workload.rs",
        from: "[plan.current, plan.current.other()]",
        to: "[plan.current.other(), plan.current]",
    },
    Plant {
        what: "a failed write is taken for done",
        file: "crates/controller/src/pass/apply.rs",
        from: "    failed.map_or(Ok(()), Err)\n",
        to: "    Ok(())\n",
    },
    Plant {
        what: "a failed pass is not made again",
        file: "crates/controller/src/pass.rs",
        from: "    Action::requeue(back_off(failures))\n",
        to: "    Action::await_change()\n",
    },
    Plant {
        what: "a conflict is not followed by another pass",
        file: "crates/controller/src/pass.rs",
        from: "        return Action::requeue(back_off(1));\n",
        to: "        return Action::await_change();\n",
    },
    Plant {
        what: "a pass begins before the watches have listed",
        file: "crates/controller/src/run.rs",
        from: "    for mut watch in synced {\n        if watch",
        to: "    for mut watch in synced.into_iter().take(0) {\n        if watch",
    },
    Plant {
        what: "writes do not ask whether the Lease is held",
        file: "crates/cluster/src/write.rs",
        from: "ensure!((self.fence)(REQUEST_TIMEOUT), NotLeadingSnafu { action });",
        to: "ensure!((self.fence)(REQUEST_TIMEOUT) || true, NotLeadingSnafu { action });",
    },
    Plant {
        what: "a Lease is taken while it still holds",
        file: "crates/controller/src/lease.rs",
        from: "held && since.elapsed() < duration_of(spec, self.timing)",
        to: "held && since.elapsed() < self.timing.retry",
    },
    Plant {
        what: "the Lease is taken for held twice as long",
        file: "crates/controller/src/lease.rs",
        from: "held.set(renewed + duration);",
        to: "held.set(renewed + duration * 8);",
    },
];
