//! The switch between the zones: it keeps each packet for a while, hands some out twice, and lets some overtake.

use fastrand::Rng;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, Read as _, Write as _},
    process,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Packets that wait at a time; what comes on top is dropped and counted. Twelve agents that send what their budget
/// allows, 31 kB/s each in datagrams of 50 bytes and more, have at most 3,000 under way at 400 ms.
const MAX_WAITING: usize = 4_096;
/// The largest packet: the MTU of the device, with room.
const MAX_PACKET: usize = 2_048;
/// Packets read before those that are due are written.
const BATCH: usize = 64;

/// What happens to packets between zones, each way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// How long a packet is kept, on average.
    pub(crate) delay: Duration,
    /// How much longer or shorter, at the most, evenly spread.
    pub(crate) jitter: Duration,
    /// Percent of packets that are handed out twice.
    pub(crate) duplicates: u8,
    /// Percent of packets that are not kept at all, and overtake those that are.
    pub(crate) express: u8,
}

/// What the switch did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Packets handed out, the second ones not counted.
    pub(crate) passed: u64,
    /// Packets handed out a second time.
    pub(crate) duplicated: u64,
    /// Packets handed out after one that came later.
    pub(crate) overtaken: u64,
    /// Packets for which there was no room.
    pub(crate) dropped: u64,
}

#[derive(Default)]
struct Shared {
    weather: Weather,
    counts: Counts,
}

/// The switch at work, for as long as the process lives.
pub(crate) struct Switch(Arc<Mutex<Shared>>);

impl Switch {
    /// Starts to serve a device; in fair weather, at first.
    pub(crate) fn start(device: File, seed: u64) -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            let Err(error) = serve(device, &served, Rng::with_seed(seed));
            eprintln!("error: the switch failed: {error}");
            process::exit(1);
        });
        Self(shared)
    }

    /// Sets what happens to the packets that come from now on.
    pub(crate) fn set(&self, weather: Weather) {
        lock(&self.0).weather = weather;
    }

    /// What was done since the start.
    pub(crate) fn counts(&self) -> Counts {
        lock(&self.0).counts
    }
}

/// A thread that panicked leaves plain numbers behind, so the lock is good all the same.
fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut device: File, shared: &Mutex<Shared>, mut rng: Rng) -> io::Result<std::convert::Infallible> {
    let mut waiting = Waiting::default();
    let mut buffer = [0; MAX_PACKET];
    loop {
        let patience = waiting.next().map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
        match poll(&mut [PollFd::new(&device, PollFlags::IN)], timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let now = Instant::now();
        let shared = &mut *lock(shared);
        for _ in 0..BATCH {
            match device.read(&mut buffer) {
                Ok(length) => {
                    waiting.take(&buffer[..length], now, shared.weather, &mut shared.counts, &mut rng)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        while let Some(packet) = waiting.give(now, &mut shared.counts) {
            device.write_all(&packet)?;
        }
    }
}

/// Packets under way, the next one that is due first.
#[derive(Default)]
struct Waiting {
    packets: BinaryHeap<Reverse<Packet>>,
    /// Packets that came so far.
    came: u64,
    /// The latest that was handed out.
    latest: u64,
}

/// Ordered by when it is due, and then by when it came.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due: Instant,
    number: u64,
    is_copy: bool,
    bytes: Vec<u8>,
}

impl Waiting {
    fn next(&self) -> Option<Instant> {
        self.packets.peek().map(|Reverse(packet)| packet.due)
    }

    fn take(&mut self, bytes: &[u8], now: Instant, weather: Weather, counts: &mut Counts, rng: &mut Rng) {
        self.came += 1;
        let mut chance = |percent: u8| rng.u8(..100) < percent;
        let (twice, express) = (chance(weather.duplicates), chance(weather.express));
        for is_copy in [false, true].into_iter().take(1 + usize::from(twice)) {
            if self.packets.len() >= MAX_WAITING {
                counts.dropped += 1;
                continue;
            }
            let spread = weather.jitter.mul_f64(2.0 * rng.f64());
            let kept = (weather.delay + spread).saturating_sub(weather.jitter);
            let due = if express { now } else { now + kept };
            self.packets.push(Reverse(Packet { due, number: self.came, is_copy, bytes: bytes.to_vec() }));
        }
    }

    /// A packet that is due.
    fn give(&mut self, now: Instant, counts: &mut Counts) -> Option<Vec<u8>> {
        if self.next()? > now {
            return None;
        }
        let Reverse(packet) = self.packets.pop()?;
        match packet.is_copy {
            true => counts.duplicated += 1,
            false => counts.passed += 1,
        }
        counts.overtaken += u64::from(packet.number < self.latest);
        self.latest = self.latest.max(packet.number);
        Some(packet.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    /// Lets packets, numbered, come at once; returns which come out, and after how long.
    fn pass(packets: usize, weather: Weather, seed: u64) -> (Vec<(usize, Duration)>, Counts) {
        let (mut waiting, mut counts) = (Waiting::default(), Counts::default());
        let (start, mut rng) = (Instant::now(), Rng::with_seed(seed));
        for number in 0..packets {
            waiting.take(&number.to_le_bytes(), start, weather, &mut counts, &mut rng);
        }
        let mut out = Vec::new();
        while let Some(due) = waiting.next() {
            assert!(waiting.give(due - Duration::from_nanos(1), &mut counts).is_none(), "before its time");
            let bytes = waiting.give(due, &mut counts).unwrap();
            out.push((usize::from_le_bytes(bytes.try_into().unwrap()), due - start));
        }
        (out, counts)
    }

    quickcheck! {
        fn every_packet_comes_out_once_or_twice_and_in_its_time(
            seed: u64, packets: u8, delay: u8, jitter: u8, duplicates: u8, express: u8
        ) -> bool {
            let (packets, ms) = (usize::from(packets), |n: u8| Duration::from_millis(n.into()));
            let weather = Weather { delay: ms(delay), jitter: ms(jitter), duplicates, express };
            let (out, counts) = pass(packets, weather, seed);
            let times = |number| out.iter().filter(|(other, _)| *other == number).count();
            let in_time = weather.delay.saturating_sub(weather.jitter)..=weather.delay + weather.jitter;
            let is_in_time = |kept| in_time.contains(&kept) || (express > 0 && kept.is_zero());
            (0..packets).all(|number| (1..=2).contains(&times(number)))
                && out.iter().all(|&(_, kept)| is_in_time(kept))
                && counts.passed == packets as u64
                && counts.passed + counts.duplicated == out.len() as u64
                && (duplicates > 0 || counts.duplicated == 0)
        }
    }

    #[test]
    fn fair_weather_changes_nothing() {
        let (out, counts) = pass(100, Weather::default(), 1);
        assert!(out.iter().enumerate().all(|(order, &(number, kept))| order == number && kept.is_zero()));
        assert_eq!((counts.duplicated, counts.overtaken), (0, 0));
    }

    #[test]
    fn express_packets_overtake() {
        let delay = Duration::from_millis(10);
        let (_, counts) = pass(100, Weather { delay, express: 50, ..Weather::default() }, 1);
        assert!(counts.overtaken > 10, "{counts:?}");
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let (out, counts) = pass(MAX_WAITING + 7, Weather::default(), 1);
        assert_eq!((out.len(), counts.dropped), (MAX_WAITING, 7));
    }
}
