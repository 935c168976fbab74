//! What goes wrong in a swarm, at random.

use super::{Checked, QUARANTINE, SEEDS, Swarm, refused};
use crate::engine::{Address, Epoch, HostId, Micros, Restart, Rule, RuleId, SECOND};
use gossip_core::Health;

/// What ends a fault.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// This rule goes.
    Rule(RuleId),
    /// This host is fast again.
    Slow(HostId),
}

impl Swarm {
    /// One fault or operation.
    pub(super) fn fault(&mut self) -> Checked<()> {
        let lasts = SECOND / 10 + self.rng.below_u64(15 * SECOND);
        let running: Vec<HostId> = self.world.running().map(|(id, _)| id).collect();
        let down: Vec<HostId> =
            (0..).zip(self.world.hosts()).filter(|(_, host)| !host.is_running()).map(|(id, _)| id).collect();
        let Some(&host) = running.get(self.rng.index(running.len())) else { return Ok(()) };
        match self.rng.below(14) {
            0 | 1 => {
                self.note(format!("node-{host} crashes"));
                self.world.crash(host);
            }
            2 | 3 => {
                let host = down.get(self.rng.index(down.len())).copied().unwrap_or(host);
                self.restart(host)?;
            }
            4 => {
                self.note(format!("node-{host} pauses for {lasts} µs"));
                self.world.pause(host, lasts);
            }
            5 => {
                self.note(format!("node-{host} is cut from its socket for {lasts} µs"));
                self.world.watch.shared.delays();
                self.world.block(host, lasts);
            }
            6 => {
                let cost = self.rng.below_u64(100_000);
                self.note(format!("a step costs node-{host} {cost} µs, for {lasts} µs"));
                self.world.watch.shared.delays();
                self.world.set_step_cost(host, cost);
                self.ends.push((self.world.now() + lasts, Fault::Slow(host)));
            }
            7 => {
                let ppm = self.rng.below(2_001) as i32 - 1_000;
                self.note(format!("node-{host}'s clock is wrong by {ppm} ppm"));
                self.world.set_drift(host, ppm);
            }
            8 => {
                let host = self.add()?;
                self.note(format!("node-{host} joins"));
            }
            9 if host >= SEEDS => {
                self.note(format!("node-{host} leaves"));
                self.world.watch.leaves(host);
                self.world.leave(host);
            }
            9 => {
                let health = [Health::Healthy, Health::Degraded, Health::Unhealthy][self.rng.index(3)];
                self.note(format!("node-{host} is {health:?}"));
                self.world.set_health(host, health);
            }
            10 | 11 => self.cut(&running, lasts),
            _ => self.cut_zone(host, &running),
        }
        Ok(())
    }

    fn restart(&mut self, host: HostId) -> Checked<()> {
        let epoch = match self.rng.below(3) {
            0 => Epoch::Persisted,
            1 => Epoch::Lost,
            _ => Epoch::ClockBehind(self.rng.below(100_000)),
        };
        let address = if self.rng.chance(0.5) { Address::New } else { Address::Own };
        let restart = Restart { address, epoch };
        self.note(format!("node-{host} restarts: {restart:?}"));
        self.world.restart(host, restart).map_err(|error| refused(self.seed, error))?;
        self.started();
        self.join(host);
        Ok(())
    }

    /// Cuts or thins a direction, or both, between some and others.
    fn cut(&mut self, running: &[HostId], lasts: Micros) {
        let count = 1 + self.rng.index(running.len());
        let from = self.rng.sample(running, count);
        let to: Vec<HostId> = if self.rng.chance(0.5) {
            running.iter().filter(|host| !from.contains(host)).copied().collect()
        } else {
            running.to_vec()
        };
        let loss = if self.rng.chance(0.5) { 1.0 } else { 0.1 + 0.1 * f64::from(self.rng.below(5)) };
        let delay = if self.rng.chance(0.3) { self.rng.below_u64(SECOND) } else { 0 };
        let rule = Rule { from, to, loss, delay, ..Rule::default() };
        self.note(format!("for {lasts} µs, {rule:?}"));
        let end = self.world.now() + lasts;
        if self.rng.chance(0.5) {
            let back = Rule { from: rule.to.clone(), to: rule.from.clone(), ..rule.clone() };
            self.ends.push((end, Fault::Rule(self.world.add_rule(&back))));
        }
        self.ends.push((end, Fault::Rule(self.world.add_rule(&rule))));
    }

    /// Cuts a host's zone off from all others: for less than zones are held, or for longer.
    fn cut_zone(&mut self, host: HostId, running: &[HostId]) {
        let zone_of = |host: HostId| self.world.hosts()[host as usize].locality.domain();
        let zone = zone_of(host);
        let (from, to): (Vec<HostId>, Vec<HostId>) = running.iter().partition(|&&host| zone_of(host) == zone);
        let quarantine = QUARANTINE.as_secs() * SECOND;
        let lasts = quarantine / 2 + self.rng.below_u64(2 * quarantine);
        self.note(format!("zone {zone} is cut off for {lasts} µs"));
        for (from, to) in [(from.clone(), to.clone()), (to, from)] {
            let rule = self.world.add_rule(&Rule { from, to, loss: 1.0, ..Rule::default() });
            self.ends.push((self.world.now() + lasts, Fault::Rule(rule)));
        }
    }

    /// Ends the faults that are due.
    pub(super) fn end_faults(&mut self) {
        let now = self.world.now();
        let (due, rest): (Vec<_>, Vec<_>) = self.ends.drain(..).partition(|&(at, _)| at <= now);
        self.ends = rest;
        for (_, fault) in due {
            self.end(fault);
        }
    }

    fn end(&mut self, fault: Fault) {
        match fault {
            Fault::Rule(rule) => self.world.remove_rule(rule),
            Fault::Slow(host) => self.world.set_step_cost(host, 0),
        }
    }

    /// Ends all faults; seeds that are down start again, since without one of them the lost find no one.
    pub(super) fn calm(&mut self) -> Checked<()> {
        self.note("all faults stop".into());
        for (_, fault) in std::mem::take(&mut self.ends) {
            self.end(fault);
        }
        for seed in 0..SEEDS {
            if !self.world.hosts()[seed as usize].is_running() {
                self.restart(seed)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, what: String) {
        let now = self.world.now();
        self.world.watch.note(now, || what);
    }
}
