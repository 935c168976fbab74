//! The story: what is done to the cluster, which is sealed, chapter by chapter, and what must come of it.

use crate::{
    journal::Member,
    keys::Step,
    laboratory::Laboratory,
    network::{Fault, Place, ZONES, subnet},
    switch::Weather,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    net::Ipv4Addr,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// How long faults last under which no one may die. Suspicions that no one confirms last longest, 6 times the 2.8 s
/// of those with all confirmations: so this is enough for one to begin and to end.
const LONG: Duration = Duration::from_secs(22);
/// A pause of which no one may die: `pause_tolerance` of the preset.
const PAUSE: Duration = Duration::from_secs(2);

type Chapter = fn(&mut Laboratory) -> Result<()>;

/// What is promised, and what proves it. Each chapter begins and ends with twelve agents that agree.
const CHAPTERS: [(&str, Chapter); 9] = [
    ("twelve agents on three adapters form one cluster", form),
    ("delay, jitter, duplicates and overtaking hurt nobody; a leave is known as one", rough_roads),
    ("at 20 % loss a crash is known, and nobody else is thought dead", loss),
    ("at 20 % loss the cluster's key is changed, and nobody dies", rotation),
    ("a restart on a new address is a member again", new_address),
    ("pauses of 2 s kill nobody, on any adapter", pauses),
    ("one-way cuts kill nobody", one_way),
    ("a zone that is cut off is held, each side goes on, and both heal by themselves", partition),
    ("all leave, and end well", end),
];

fn at(zone: u8, number: u8) -> Place {
    Place { zone, number }
}

/// Tells all of it.
///
/// # Errors
/// The first promise that was not kept, after the journals were printed.
pub(crate) fn tell(gossip: PathBuf, seed: u64) -> Result<()> {
    let mut lab = Laboratory::new(gossip, seed).context("the network could not be built")?;
    for (promise, chapter) in CHAPTERS {
        let start = Instant::now();
        lab.mark();
        if let Err(error) = chapter(&mut lab) {
            lab.show();
            return Err(error.context(promise));
        }
        println!("ok  {:5.1} s  {promise}", start.elapsed().as_secs_f64());
    }
    let counts = lab.network.switch.counts();
    println!("The switch: {counts:?}");
    Ok(())
}

fn form(lab: &mut Laboratory) -> Result<()> {
    for place in Place::all() {
        lab.start(place)?;
    }
    lab.agree()?;
    lab.only_died(&[])
}

fn rough_roads(lab: &mut Laboratory) -> Result<()> {
    let ms = Duration::from_millis;
    lab.network.switch.set(Weather { delay: ms(60), jitter: ms(40), duplicates: 15, express: 15 });
    let leaver = at(2, 3);
    lab.leave(&[leaver])?;
    lab.agree()?;
    lab.start(leaver)?;
    lab.agree()?;
    thread::sleep(LONG);
    lab.agree()?;
    lab.network.switch.set(Weather::default());
    let counts = lab.network.switch.counts();
    ensure!(
        counts.duplicated > 0 && counts.overtaken > 0 && counts.dropped == 0,
        "no rough roads: {counts:?}"
    );
    lab.only_died(&[])
}

fn loss(lab: &mut Laboratory) -> Result<()> {
    lab.network.filter(&[Fault::Loss(20)])?;
    thread::sleep(LONG);
    lab.only_died(&[])?;
    let victim = at(1, 3);
    lab.agent(victim)?.kill()?;
    lab.agree()?;
    lab.end_faults()?;
    lab.only_died(&[victim])
}

fn rotation(lab: &mut Laboratory) -> Result<()> {
    lab.network.filter(&[Fault::Loss(20)])?;
    for step in Step::ALL {
        lab.change_keys(step)?;
    }
    lab.end_faults()?;
    lab.only_died(&[])
}

fn new_address(lab: &mut Laboratory) -> Result<()> {
    let mover = at(1, 3);
    lab.agent(mover)?.move_to(Ipv4Addr::new(10, 77, mover.zone, 100))?;
    lab.start(mover)?;
    lab.agree()?;
    lab.only_died(&[])
}

fn pauses(lab: &mut Laboratory) -> Result<()> {
    let paused = [at(2, 2), at(2, 3), at(2, 4)];
    for place in paused {
        lab.pause(place, PAUSE)?;
        let noticed = |lab: &Laboratory| !lab.notes(place, "local_pause").is_empty();
        lab.eventually("who was paused notices it", noticed)?;
    }
    lab.agree()?;
    lab.only_died(&[])
}

fn one_way(lab: &mut Laboratory) -> Result<()> {
    let [from, to] = [at(3, 2), at(3, 3)].map(|place| vec![place.address().to_string()]);
    let zones = Fault::Cut { from: vec![subnet(1)], to: vec![subnet(2)] };
    lab.network.filter(&[zones, Fault::Cut { from, to }])?;
    thread::sleep(LONG);
    lab.only_died(&[])?;
    lab.end_faults()?;
    lab.agree()?;
    lab.only_died(&[])
}

fn partition(lab: &mut Laboratory) -> Result<()> {
    let (lost, is_far) = (ZONES, |place: Place| place.zone == ZONES);
    let near: Vec<_> = Place::all().filter(|&place| !is_far(place)).collect();
    let name = format!("zone 1/{lost} ");
    let told = |lab: &Laboratory, place, event, words: &str| {
        lab.notes(place, event).iter().any(|note| note.contains(&name) && note.contains(words))
    };
    lab.network.filter(&Fault::partition(lost))?;
    // That says of each of its members that it is unreachable.
    lab.eventually("everybody holds the zone that is silent", |lab| {
        near.iter().all(|&place| told(lab, place, "zone_quarantined", "nobody"))
    })?;
    lab.only_died(&[])?;
    let dead = |member: &Member| member.status == "dead";
    let victims = [at(1, 4), at(lost, 4)];
    for victim in victims {
        lab.agent(victim)?.kill()?;
    }
    lab.eventually("a crash is known on the side where it was", |lab| {
        victims.iter().all(|&victim| lab.all_say(|viewer| is_far(viewer) == is_far(victim), victim, dead))
    })?;
    thread::sleep(LONG);
    lab.only_died(&victims)?;
    lab.end_faults()?;
    lab.eventually("everybody releases the zone when it answers", |lab| {
        near.iter()
            .all(|&place| victims.contains(&place) || told(lab, place, "zone_released", "answers again"))
    })?;
    lab.agree()?;
    lab.only_died(&victims)?;
    for victim in victims {
        lab.start(victim)?;
    }
    lab.agree()?;
    lab.only_died(&victims)
}

fn end(lab: &mut Laboratory) -> Result<()> {
    let places: Vec<Place> = Place::all().collect();
    lab.leave(&places)?;
    lab.only_died(&[])
}
