//! The figures of one run as numbers that can be compared with those of another.

use std::time::Duration;

use super::{
    Figures,
    figures::{FailOver, Idle, Rolled},
    numbers::Samples,
    ratio::{Unit, Value},
    roll::Roll,
};

/// Aims, as ratios to the other revision.
const HALF: Option<f64> = Some(0.5);
const MEMORY: Option<f64> = Some(0.8);
/// What is not to be better is not to be worse by more than this.
const NO_SLOWER: Option<f64> = Some(1.05);

/// All figures; what could not be measured is left out.
pub(super) fn values(figures: &Figures) -> Vec<Value> {
    let mut all = Values::default();
    all.aims(figures);
    all.creations(figures);
    all.rolls(figures);
    all.memory(figures);
    all.crowd(figures);
    all.trouble(figures);
    all.counts(figures);
    all.0
}

#[derive(Default)]
struct Values(Vec<Value>);

impl Values {
    fn add(&mut self, what: &'static str, unit: Unit, amount: f64, aim: Option<f64>) {
        self.0.push(Value { what, amount, unit, aim });
    }

    fn time(&mut self, what: &'static str, time: Option<Duration>, aim: Option<f64>) {
        if let Some(time) = time {
            self.add(what, Unit::Seconds, time.as_secs_f64(), aim);
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "below 2^53")]
    fn bytes(&mut self, what: &'static str, bytes: u64, aim: Option<f64>) {
        self.add(what, Unit::Bytes, bytes as f64, aim);
    }

    #[allow(clippy::cast_precision_loss, reason = "some thousands at most")]
    fn count(&mut self, what: &'static str, count: usize) {
        self.add(what, Unit::Count, count as f64, None);
    }

    /// What is to be better than it was.
    fn aims(&mut self, figures: &Figures) {
        let processor: Samples = figures.rolls.iter().map(|rolled| rolled.processor).collect();
        let reactions = each(&figures.rolls, Roll::reaction);
        self.time(
            "Processor time of a start with the large crowd",
            figures.restarted.processor.percentile(50),
            HALF,
        );
        self.time("Processor time of a roll of five steps", processor.percentile(50), HALF);
        self.bytes("Resident memory with the large crowd", figures.idle_many.memory.resident, MEMORY);
        self.time("Image patched → first write, median", reactions.percentile(50), NO_SLOWER);
        self.time("Image patched → first write, p99", reactions.percentile(99), HALF);
    }

    fn creations(&mut self, figures: &Figures) {
        let created = &figures.created;
        self.time("Creation → first Deployment, median", created.first_deployment.percentile(50), NO_SLOWER);
        self.time("Creation → first Deployment, p99", created.first_deployment.percentile(99), NO_SLOWER);
        self.time("Creation → Healthy, median", created.healthy.percentile(50), NO_SLOWER);
        self.time("Crowd created at once → all Healthy", Some(figures.crowd_healthy), NO_SLOWER);
        self.time("Large crowd created → all Healthy", Some(figures.many_healthy), NO_SLOWER);
    }

    fn rolls(&mut self, figures: &Figures) {
        let gaps: Samples = figures.rolls.iter().flat_map(|rolled| rolled.roll.gaps()).collect();
        self.time("Step done → next patched, median", gaps.percentile(50), NO_SLOWER);
        self.time("Step done → next patched, p99", gaps.percentile(99), NO_SLOWER);
        let median = |rolls: &[Rolled], of: fn(&Roll) -> Duration| each(rolls, of).percentile(50);
        let (alone, crowded) = (&figures.rolls, &figures.crowded_rolls);
        self.time("Last step done → MilvusUpdated, median", median(alone, Roll::conclusion), NO_SLOWER);
        self.time("Overhead of a roll, median", median(alone, Roll::overhead), NO_SLOWER);
        self.time("A roll in all, median", median(alone, Roll::wall), NO_SLOWER);
        let what = "Image patched → first write beside the crowd, median";
        self.time(what, median(crowded, Roll::reaction), NO_SLOWER);
        let what = "Overhead of a roll beside the crowd, median";
        self.time(what, median(crowded, Roll::overhead), NO_SLOWER);
        self.time("A roll in all beside the crowd, median", median(crowded, Roll::wall), NO_SLOWER);
        let processor: Samples = crowded.iter().map(|rolled| rolled.processor).collect();
        self.time("Processor time of a roll beside the crowd", processor.percentile(50), NO_SLOWER);
    }

    fn memory(&mut self, figures: &Figures) {
        self.bytes("Resident memory, no CR", figures.idle_none.memory.resident, NO_SLOWER);
        self.bytes("Resident memory with the crowd", figures.idle_crowd.memory.resident, NO_SLOWER);
        self.bytes("Peak of memory with the large crowd", figures.idle_many.memory.peak, NO_SLOWER);
        self.bytes("Size of the executable", figures.binary_bytes, None);
    }

    fn crowd(&mut self, figures: &Figures) {
        let reactions = &figures.reactions;
        let what = "Image patched → first write, one of the large crowd, median";
        self.time(what, reactions.percentile(50), NO_SLOWER);
        let what = "Image patched → first write, one of the large crowd, p99";
        self.time(what, reactions.percentile(99), NO_SLOWER);
        let what = "Start with the large crowd → has looked at all";
        self.time(what, Some(figures.restarted.reconciled), NO_SLOWER);
    }

    fn trouble(&mut self, figures: &Figures) {
        for (kind, samples) in &figures.repairs {
            let what = match *kind {
                "Deployment" => "Deployment deleted → created again",
                "Service" => "Service deleted → created again",
                _ => "ConfigMap deleted → created again",
            };
            self.time(what, samples.percentile(50), NO_SLOWER);
        }
        let FailOver { lease, write } = figures.killed;
        self.time("Leader killed → a standby has the Lease", Some(lease), NO_SLOWER);
        self.time("Leader killed → first write of the standby", Some(write), NO_SLOWER);
        let FailOver { lease, write } = figures.terminated;
        self.time("Leader terminated → a standby has the Lease", Some(lease), NO_SLOWER);
        self.time("Leader terminated → first write of the standby", Some(write), NO_SLOWER);
    }

    /// Requests are no speed: they are told and not judged.
    fn counts(&mut self, figures: &Figures) {
        let requests = |idle: &Idle| idle.requests + idle.lease;
        self.count("Requests while idle, no CR", requests(&figures.idle_none));
        self.count("Requests while idle with the crowd", requests(&figures.idle_crowd));
        self.count("Requests while idle with the large crowd", requests(&figures.idle_many));
        self.count("Writes while idle with the large crowd", figures.idle_many.written.len());
        self.count("Writes of a start with the large crowd", figures.restarted.written.len());
        let most = figures.rolls.iter().map(|rolled| rolled.writes).max();
        self.count("Writes of a roll, most", most.unwrap_or_default());
    }
}

fn each(rolls: &[Rolled], of: fn(&Roll) -> Duration) -> Samples {
    rolls.iter().map(|rolled| of(&rolled.roll)).collect()
}
