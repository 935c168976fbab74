//! What processes use, and whether that grows.

use super::fleet::Fleet;
use anyhow::{Context as _, Result, ensure};
use procfs::process::Process;
use std::{fmt, time::Duration};

/// One look at a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sample {
    at: Duration,
    /// CPU time so far, user's and system's, in clock ticks.
    ticks: u64,
    /// Resident memory, in kB.
    resident: u64,
    descriptors: usize,
    threads: usize,
}

/// Looks at processes over time.
pub(super) struct History {
    /// By agent, then by time.
    samples: Vec<Vec<Sample>>,
}

impl History {
    /// Of this many agents.
    pub(super) fn new(agents: usize) -> Self {
        Self { samples: vec![Vec::new(); agents] }
    }

    /// Looks at all of them.
    ///
    /// # Errors
    /// A process that does not run, or that cannot be looked at.
    pub(super) fn sample(&mut self, at: Duration, fleet: &Fleet) -> Result<()> {
        for (n, samples) in self.samples.iter_mut().enumerate() {
            let process = Process::new(fleet.pid(n)?.as_raw_nonzero().get())?;
            let stat = process.stat()?;
            samples.push(Sample {
                at,
                ticks: stat.utime + stat.stime,
                resident: stat.rss * procfs::page_size() / 1_024,
                descriptors: process.fd_count()?,
                threads: usize::try_from(stat.num_threads)?,
            });
        }
        Ok(())
    }
}

/// What still counts as flat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// By how many kB the median of an agent's memory may grow: the larger of this ...
    resident_kb: u64,
    /// ... and of this share.
    resident: f64,
    /// By how many µs a second the mean CPU time of the agents may grow: the larger of this ...
    cpu_us: f64,
    /// ... and of this share.
    cpu: f64,
}

impl Bounds {
    /// A leak of a few bytes a datagram or of one allocation a restart is more; the allocators' own coming and
    /// going is less. The same work costs more CPU time while
    /// others use the machine, too: an agent of 50 takes about half a millisecond a second.
    pub(super) const DEFAULT: Self = Self { resident_kb: 256, resident: 0.05, cpu_us: 250.0, cpu: 0.25 };
}

/// A third of the time.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Third {
    /// CPU time of an agent, in µs a second.
    cpu: f64,
    /// Medians of agents' memory, in kB: the mean, and the largest.
    resident_mean: u64,
    resident_most: u64,
    descriptors: usize,
    threads: usize,
}

/// The first third of the time beside the last.
pub(super) struct Verdict {
    bounds: Bounds,
    first: Third,
    last: Third,
    /// By agent: the median of its memory, in kB, in both thirds.
    resident: Vec<(u64, u64)>,
    /// By agent: the most descriptors and threads in both.
    descriptors: Vec<(usize, usize)>,
    threads: Vec<(usize, usize)>,
}

impl Verdict {
    /// Compares.
    ///
    /// # Errors
    /// Too few samples.
    pub(super) fn of(history: &History, bounds: Bounds) -> Result<Self> {
        let thirds: Vec<(&[Sample], &[Sample])> = history
            .samples
            .iter()
            .map(|samples| {
                let third = samples.len() / 3;
                ensure!(third >= 2, "{} samples of a process are too few", samples.len());
                Ok((&samples[..third], &samples[samples.len() - third..]))
            })
            .collect::<Result<_>>()?;
        let both = |figure: fn(&[Sample]) -> u64| -> Vec<(u64, u64)> {
            thirds.iter().map(|(first, last)| (figure(first), figure(last))).collect()
        };
        let most = |count: fn(&Sample) -> usize| -> Vec<(usize, usize)> {
            let most = |samples: &[Sample]| samples.iter().map(count).max().unwrap_or_default();
            thirds.iter().map(|(first, last)| (most(first), most(last))).collect()
        };
        Ok(Self {
            bounds,
            first: Third::of(thirds.iter().map(|(first, _)| *first)).context("no agents")?,
            last: Third::of(thirds.iter().map(|(_, last)| *last)).context("no agents")?,
            resident: both(median),
            descriptors: most(|sample| sample.descriptors),
            threads: most(|sample| sample.threads),
        })
    }

    /// What is not flat, each in words.
    pub(super) fn failures(&self) -> Vec<String> {
        let Bounds { resident_kb, resident, cpu_us, cpu } = self.bounds;
        let mut failures = Vec::new();
        if self.last.cpu > self.first.cpu + cpu_us.max(self.first.cpu * cpu) {
            failures.push(format!("CPU grew from {:.0} to {:.0} µs a second", self.first.cpu, self.last.cpu));
        }
        for (n, &(first, last)) in self.resident.iter().enumerate() {
            let room = resident_kb.max((first as f64 * resident) as u64);
            if last > first + room {
                failures.push(format!("agent-{n}'s memory grew from {first} to {last} kB"));
            }
        }
        for (n, (first, last)) in
            self.descriptors.iter().enumerate().filter(|(_, (first, last))| last > first)
        {
            failures.push(format!("agent-{n}'s descriptors grew from {first} to {last}"));
        }
        for (n, (first, last)) in self.threads.iter().enumerate().filter(|(_, (first, last))| last > first) {
            failures.push(format!("agent-{n}'s threads grew from {first} to {last}"));
        }
        failures
    }
}

fn median(samples: &[Sample]) -> u64 {
    let mut resident: Vec<u64> = samples.iter().map(|sample| sample.resident).collect();
    resident.sort_unstable();
    resident.get(resident.len() / 2).copied().unwrap_or_default()
}

impl Third {
    /// Of all agents' samples in it; none of none.
    fn of<'a>(agents: impl Iterator<Item = &'a [Sample]> + Clone) -> Option<Self> {
        let (mut ticks, mut seconds, mut count) = (0, 0.0, 0);
        for samples in agents.clone() {
            let (first, last) = (samples.first()?, samples.last()?);
            ticks += last.ticks - first.ticks;
            seconds += (last.at - first.at).as_secs_f64();
            count += 1;
        }
        let samples = || agents.clone().flatten();
        Some(Self {
            cpu: ticks as f64 * 1e6 / procfs::ticks_per_second() as f64 / seconds,
            resident_mean: agents.clone().map(median).sum::<u64>().checked_div(count)?,
            resident_most: agents.clone().map(median).max()?,
            descriptors: samples().map(|sample| sample.descriptors).max()?,
            threads: samples().map(|sample| sample.threads).max()?,
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, .. } = self;
        writeln!(f, "{:<44} {:>12} {:>12}", "of each undisturbed agent", "first third", "last third")?;
        writeln!(f, "{:<44} {:>12.0} {:>12.0}", "CPU, µs a second, mean", first.cpu, last.cpu)?;
        for (what, first, last) in [
            ("resident memory, kB, mean", first.resident_mean, last.resident_mean),
            ("resident memory, kB, largest", first.resident_most, last.resident_most),
        ] {
            writeln!(f, "{what:<44} {first:>12} {last:>12}")?;
        }
        writeln!(f, "{:<44} {:>12} {:>12}", "descriptors, most", first.descriptors, last.descriptors)?;
        writeln!(f, "{:<44} {:>12} {:>12}", "threads, most", first.threads, last.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds between samples, and a tick in each, except for what a change makes of it.
    fn history(change: impl Fn(u64, &mut Sample)) -> History {
        let sample = |n: u64| {
            let at = Duration::from_secs(10 * n);
            let mut sample = Sample { at, ticks: n, resident: 4_000 + n % 3, descriptors: 9, threads: 1 };
            change(n, &mut sample);
            sample
        };
        History { samples: vec![(0..30).map(sample).collect(); 2] }
    }

    fn failures(change: impl Fn(u64, &mut Sample)) -> Vec<String> {
        Verdict::of(&history(change), Bounds::DEFAULT).unwrap().failures()
    }

    #[test]
    fn what_stays_is_flat() {
        assert_eq!(failures(|_, _| ()), [""; 0]);
        // A single spike is no growth of memory.
        assert_eq!(failures(|n, sample| sample.resident += if n == 29 { 10_000 } else { 0 }), [""; 0]);
    }

    #[test]
    fn what_grows_is_told() {
        for (told, change) in [
            ("memory", (|n, sample: &mut Sample| sample.resident += n * 20) as fn(u64, &mut Sample)),
            ("descriptors", |n, sample| sample.descriptors += n as usize / 25),
            ("threads", |n, sample| sample.threads += n as usize / 25),
            ("CPU", |n, sample| sample.ticks += n * n / 20),
        ] {
            let failures = failures(change);
            assert!(
                !failures.is_empty() && failures.iter().all(|failure| failure.contains(told)),
                "{failures:?}"
            );
        }
    }

    #[test]
    fn a_few_samples_say_nothing() {
        let short = History { samples: vec![history(|_, _| ()).samples[0][..5].to_vec()] };
        assert!(Verdict::of(&short, Bounds::DEFAULT).is_err());
    }
}
