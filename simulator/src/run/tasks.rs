//! What a scenario's events do to its world.

use super::Run;
use crate::{
    engine::{Address, Epoch, HostId, Keys, Micros, Newcomer, Restart, Rule, RuleId},
    measure::{self, Pairs, Side},
    scenario::{Action, Direction, Event, Selector},
};
use gossip_core::{Health, Signing, Status};
use std::net::SocketAddr;

/// Something to be done at its time.
pub(super) enum Task {
    /// An event of the scenario, by its place.
    Do(usize),
    /// A cut ends.
    Mend(RuleId, Rule),
    /// A host that is down starts again, as an event of the scenario says.
    Start(usize, HostId, Restart),
    /// A host's steps cost again what they used to.
    Unslow(HostId),
    /// A host stops for so long, as it has announced.
    Pause(HostId, Micros),
    /// A quiet window ends.
    EndAudit,
    /// A host gets other keys, as an event of the scenario says.
    ChangeKeys(usize, HostId),
    /// A host that refused the keys of its file is asked again.
    TakeKeys(HostId, Keys),
    /// A host signs, and asks this of others; also, if forced, where that would cut live members off.
    Sign(HostId, Signing, bool),
    /// A host that refused that is asked again.
    SignAgain(HostId, Signing),
    /// It is time to look at what an event of the scenario watches.
    Look(usize),
}

/// Time between a pause's announcement and the pause: enough for the first rounds of gossip.
const ANNOUNCED_BEFORE: Micros = 200_000;

impl Run<'_> {
    pub(super) fn perform(&mut self, task: Task) -> Result<(), String> {
        match task {
            Task::Do(n) => {
                // The agenda holds places in this list only.
                let event = &self.scenario.events[n];
                match event.action {
                    Action::Join => return self.grow(event),
                    Action::Restart => return self.restart_all(n),
                    Action::Cut => self.cut(event),
                    Action::Audit => {
                        measure::begin_audit(&mut self.world);
                        let end = self.world.now() + event.lasts().unwrap_or_default();
                        self.plan(end, Task::EndAudit);
                    }
                    Action::Watch => self.watch(n),
                    Action::Keys => return self.roll_keys(n),
                    Action::Sign => return self.roll_signing(n),
                    Action::Publish
                    | Action::Withdraw
                    | Action::Event
                    | Action::Pulse
                    | Action::Value
                    | Action::DeleteValue => self.write_all(n),
                    _ => {
                        let hosts = self.pick(&event.who);
                        self.tell_fault(event, &hosts);
                        for host in hosts {
                            self.act(event, host);
                        }
                    }
                }
            }
            Task::Mend(id, rule) => {
                // Once at an instant at which several cuts end: what the first end joins cannot agree yet.
                if self.looked_at_sides.replace(self.world.now()) != Some(self.world.now()) {
                    measure::look_at_sides(&mut self.world);
                }
                self.world.remove_rule(id);
                measure::watch_mend(&mut self.world, &rule);
            }
            Task::Start(n, host, restart) => self.restart(n, host, restart)?,
            Task::Unslow(host) => self.world.set_step_cost(host, 0),
            Task::Pause(host, pause) => self.world.pause(host, pause),
            Task::EndAudit => measure::end_audit(&mut self.world),
            Task::ChangeKeys(n, host) => self.change_keys(n, host)?,
            Task::TakeKeys(host, keys) => self.take_keys_again(host, keys),
            Task::Sign(host, signing, force) => self.sign(host, signing, force),
            Task::SignAgain(host, signing) => self.sign_again(host, signing),
            Task::Look(n) => self.look(n),
        }
        Ok(())
    }

    /// The hosts that run and that a selector picks.
    pub(super) fn pick(&mut self, who: &Selector) -> Vec<HostId> {
        let seeds = self.scenario.seeds;
        let fits: Vec<HostId> = self
            .world
            .running()
            .filter(|&(id, host)| who.fits(id, host.locality, seeds))
            .map(|(id, _)| id)
            .collect();
        let count = who.picks(fits.len());
        self.world.rng().sample(&fits, count)
    }

    fn act(&mut self, event: &Event, host: HostId) {
        let (now, lasts) = (self.world.now(), event.lasts());
        let pause = lasts.unwrap_or_default();
        match event.action {
            Action::Update => {
                let health = match self.world.hosts()[host as usize].node.me().health() {
                    Health::Healthy => Health::Degraded,
                    Health::Degraded | Health::Unhealthy => Health::Healthy,
                };
                self.world.set_health(host, health);
                measure::watch_update(&mut self.world, host, "health");
            }
            Action::Crash => {
                measure::watch_crash(&mut self.world, host);
                self.world.crash(host);
            }
            Action::AnnouncedPause => {
                self.disturb(host);
                self.world.announce_pause(host, pause);
                self.plan(now + ANNOUNCED_BEFORE, Task::Pause(host, pause));
            }
            Action::Pause => {
                self.disturb(host);
                self.world.pause(host, pause);
            }
            Action::BlockIo => {
                self.disturb(host);
                self.world.block(host, pause);
            }
            Action::Slow => {
                self.disturb(host);
                self.world.set_step_cost(host, event.step_us.unwrap_or_default());
                if let Some(lasts) = lasts {
                    self.plan(now + lasts, Task::Unslow(host));
                }
            }
            Action::Drift => self.world.set_drift(host, event.ppm.unwrap_or_default()),
            Action::Rejoin => {
                if self.world.hosts()[host as usize].node.members().len() == 0 {
                    self.watch_join(host);
                }
                self.join(host, Some(event));
            }
            Action::Leave => self.world.leave(host),
            Action::ForgeDeath => self.forge_end(host, Status::Dead, event),
            Action::ForgeLeave => self.forge_end(host, Status::Left, event),
            Action::ForgeClaims => self.forge_claims(host, event),
            Action::ForgeWords => self.forge_words(host, event),
            Action::Flood => self.flood(host, event.count.unwrap_or(1)),
            Action::Replay => self.replay(host, event),
            Action::Poison => {
                let victims = event.from.as_ref().map(|from| self.pick(from));
                self.poison(host, &victims.unwrap_or_default());
            }
            Action::Snapshot => self.world.snapshot(host),
            Action::Restore => {
                self.disturb(host);
                self.world.restore(host);
            }
            Action::Clone => {
                let _ = self.world.clone_host(host);
            }
            Action::ForgeJoin => self.forge_joins(host, event.count.unwrap_or(1)),
            Action::Join | Action::Restart | Action::Cut | Action::Audit => {}
            Action::Keys | Action::Sign | Action::Watch => {}
            Action::Publish | Action::Withdraw | Action::Event | Action::Pulse => {}
            Action::Value | Action::DeleteValue => {}
        }
    }

    fn disturb(&mut self, host: HostId) {
        self.world.watch.population.disturb(host);
    }

    fn restart_all(&mut self, n: usize) -> Result<(), String> {
        let event = &self.scenario.events[n];
        let mut hosts = self.pick(&event.who);
        let addresses = match &event.address_of {
            Some(of) => Some(self.addresses(&mut hosts, of)?),
            None => None,
        };
        self.tell_fault(event, &hosts);
        for (place, &host) in hosts.iter().enumerate() {
            let address = match &addresses {
                Some(addresses) => Address::At(addresses[place]),
                None if event.new_address => Address::New,
                None => Address::Own,
            };
            let restart = Restart { address, epoch: epoch_of(event) };
            match event.lasts() {
                None => self.restart(n, host, restart)?,
                Some(down) => {
                    self.world.crash(host);
                    self.plan(self.world.now() + down, Task::Start(n, host, restart));
                }
            }
        }
        Ok(())
    }

    fn restart(&mut self, n: usize, host: HostId, restart: Restart) -> Result<(), String> {
        let id = self.world.hosts()[host as usize].id;
        self.world.watch.judgements.restarted(id);
        self.world.restart(host, restart).map_err(|error| error.to_string())?;
        self.world.watch.audits.restarted(host);
        self.watch_join(host);
        self.introduce(host);
        self.join(host, Some(&self.scenario.events[n]));
        Ok(())
    }

    /// An address for each of some hosts: one that a picked host has now, and no one its own. Puts those of the hosts
    /// first that are picked.
    fn addresses(&mut self, takers: &mut Vec<HostId>, of: &Selector) -> Result<Vec<SocketAddr>, String> {
        let picked = self.pick_known(of);
        let (both, others): (Vec<HostId>, Vec<HostId>) =
            takers.iter().partition(|&&taker| picked.contains(&taker));
        let rest = picked.iter().filter(|host| !both.contains(host));
        let givers: Vec<HostId> = both.iter().chain(rest).copied().collect();
        *takers = [both, others].concat();
        if takers.len() > givers.len() {
            let (takers, givers) = (takers.len(), givers.len());
            return Err(format!(
                "address_of: {takers} hosts want the addresses of {givers}; let it pick as many"
            ));
        }
        // The next one's: those who are both are first, in the same order, so that none is its own next.
        let next = givers.iter().cycle().skip(1).take(takers.len());
        Ok(next.map(|&host| self.world.hosts()[host as usize].address).collect())
    }

    /// Hosts that a selector picks of all that there are so far, running or not.
    pub(super) fn pick_known(&mut self, who: &Selector) -> Vec<HostId> {
        let fits = self.known(who);
        let count = who.picks(fits.len());
        self.world.rng().sample(&fits, count)
    }

    fn grow(&mut self, event: &Event) -> Result<(), String> {
        let count = event.count.unwrap_or(1) as usize;
        let addresses = match &event.address_of {
            Some(of) => {
                // No host that there is: none of them can be told from the new ones.
                let first = self.world.hosts().len() as HostId;
                self.addresses(&mut (first..first + count as HostId).collect(), of)?
            }
            None => Vec::new(),
        };
        let names = event.name_of.as_ref().map(|of| self.pick_known(of));
        if names.as_ref().is_some_and(|names| names.len() < count) {
            return Err("name_of: it picks fewer hosts than join".into());
        }
        let first = self.world.hosts().len() as HostId;
        self.tell_fault(event, &(first..first + count as HostId).collect::<Vec<_>>());
        for n in 0..count {
            let place = self.places[self.world.hosts().len()];
            let name_of = names.as_ref().map(|names| names[n]);
            let sybil = event.sybil.map(Into::into);
            let newcomer =
                Newcomer { name_of, address: addresses.get(n).copied(), locality: Some(place), sybil };
            let host = self.add(newcomer)?;
            if name_of.is_none() && !self.has_updates() {
                measure::watch_update(&mut self.world, host, "arrival");
            }
            measure::recount(&mut self.world);
            self.join(host, Some(event));
        }
        Ok(())
    }

    /// Whether there is news whose spread is measured; that of joins is, where there is none.
    fn has_updates(&self) -> bool {
        self.scenario.events.iter().any(|event| event.action == Action::Update)
    }

    /// The two sides of an event. Without a `from`, that is everyone else; and of everyone, each other.
    fn sides(&mut self, event: &Event) -> (Vec<HostId>, Vec<HostId>) {
        let who = self.side(&event.who);
        let all = 0..self.scenario.hosts_ever();
        let from = match &event.from {
            Some(from) => self.side(from),
            None if who.len() == all.len() => who.clone(),
            None => all.filter(|host| who.binary_search(host).is_err()).collect(),
        };
        (who, from)
    }

    /// From whom to whom an event of two sides goes, each pair of hosts once. Lists are sorted, and none is empty.
    fn ways(&mut self, event: &Event) -> Vec<(Vec<HostId>, Vec<HostId>)> {
        let (who, from) = self.sides(event);
        let without = |of: &[HostId], others: &[HostId]| -> Vec<HostId> {
            of.iter().filter(|host| others.binary_search(host).is_err()).copied().collect()
        };
        let ways = match event.direction {
            Direction::Outbound => vec![(who, from)],
            Direction::Inbound => vec![(from, who)],
            Direction::Both => {
                // Where a host is on both sides, the way there among such hosts is the way back, too.
                let (only_from, only_who) = (without(&from, &who), without(&who, &from));
                let both = without(&who, &only_who);
                vec![(who.clone(), from), (only_from, who), (both, only_who)]
            }
        };
        ways.into_iter().filter(|(from, to)| !from.is_empty() && !to.is_empty()).collect()
    }

    fn watch(&mut self, n: usize) {
        let event = &self.scenario.events[n];
        let views = self.ways(event).iter().map(|(from, of)| (Side::of(from), Side::of(of))).collect();
        let name = event.name.clone().unwrap_or_default();
        let pairs = Pairs { name, views, deaths: event.deaths.clone() };
        let end = self.scenario.duration();
        let until = event.lasts().map_or(end, |lasts| (self.world.now() + lasts).min(end));
        // A window that ends just now has its last look first.
        self.look(n);
        measure::begin_watch(&mut self.world, n, pairs, until);
        self.look(n);
    }

    fn look(&mut self, n: usize) {
        if let Some(again) = measure::look_at_pairs(&mut self.world, n) {
            self.plan(again, Task::Look(n));
        }
    }

    fn cut(&mut self, event: &Event) {
        let ways = self.ways(event);
        self.tell_cut(event, &ways);
        for (from, to) in ways {
            let rule = event.rule(from, to);
            let id = self.world.add_rule(&rule);
            if rule.loss >= 1.0 {
                measure::watch_cut(&mut self.world, &rule);
            }
            if let Some(lasts) = event.lasts() {
                self.plan(self.world.now() + lasts, Task::Mend(id, rule));
            }
        }
    }

    /// One side of a cut or a watch, sorted: hosts that are picked, or all that fit, those included that are still to
    /// come.
    fn side(&mut self, who: &Selector) -> Vec<HostId> {
        if who.is_random() {
            let mut picked = self.pick(who);
            picked.sort_unstable();
            return picked;
        }
        let seeds = self.scenario.seeds;
        let places = (0..).zip(&self.places);
        places.filter(|&(host, &place)| who.fits(host, place, seeds)).map(|(host, _)| host).collect()
    }
}

fn epoch_of(event: &Event) -> Epoch {
    match (event.clock_behind_s, event.keeps_epoch) {
        (Some(seconds), _) => Epoch::ClockBehind(seconds),
        (None, Some(false)) => Epoch::Lost,
        (None, _) => Epoch::Persisted,
    }
}
