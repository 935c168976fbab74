//! Writes what fuzzing begins with: the traffic of real nodes, runs with it, and summaries. The same files every time.
//!
//! `cargo run --example seeds DIRECTORY` makes a directory for each target in `DIRECTORY`.

use arbitrary::{Arbitrary, Unstructured};
use fuzz::{
    cluster, config,
    forge::{self, Bytes, FIRST_EPOCH},
    step::{Call, Program, Rig, config as preset},
    write::Write,
};
use gossip_core::{Buffer, Event, Heap, Identity, Instant, Locality, Node, Question};
use gossip_summaries::{Distinct, Histogram, TopK};
use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The inverse of what `Arbitrary` derives: variants as shares of 2^32, little-endian numbers.
#[derive(Default)]
struct Input(Vec<u8>);

impl Input {
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    fn variant(&mut self, which: u64, of: u64) -> &mut Self {
        let share = (which << 32).div_ceil(of) as u32;
        self.put(&share.to_le_bytes())
    }

    /// The bytes, if they mean what was meant.
    fn checked<'a, T: Arbitrary<'a> + PartialEq + Debug>(&'a self, meant: &T) -> &'a [u8] {
        let read = T::arbitrary_take_rest(Unstructured::new(&self.0));
        assert_eq!(read.as_ref().ok(), Some(meant), "the encoding of inputs has changed");
        &self.0
    }
}

const CALLS: u64 = 14;

fn write_program(program: &Program<'_>) -> Vec<u8> {
    let mut input = Input::default();
    input.put(&program.start.to_le_bytes()).put(&[program.preset]);
    for call in &program.calls {
        match call {
            Call::Pass { ms } => input.variant(0, CALLS).put(&ms.to_le_bytes()),
            Call::Datagram { from, bytes: Bytes(bytes) } => {
                let length = (bytes.len() as u16).to_le_bytes();
                input.variant(2, CALLS).put(&[*from]).put(&length).put(bytes)
            }
            Call::Join { seeds } => input.variant(6, CALLS).put(&[*seeds]),
            Call::Leave => input.variant(7, CALLS),
            Call::Health(health) => input.variant(8, CALLS).put(&[*health]),
            Call::Pause { seconds } => input.variant(9, CALLS).put(&seconds.to_le_bytes()),
            Call::Write(write) => put_write(input.variant(13, CALLS), write),
            other => unreachable!("{other:?} is not in a recording"),
        };
    }
    input.checked(program).to_vec()
}

fn put_write<'a>(input: &'a mut Input, write: &Write) -> &'a mut Input {
    const WRITES: u64 = 7;
    match *write {
        Write::Publish { key, len, ttl: Some(ttl), outlives } => {
            let input = input.variant(0, WRITES).put(&[key]).put(&len.to_le_bytes());
            input.put(&[1, ttl, outlives.into()])
        }
        Write::Withdraw(key) => input.variant(1, WRITES).put(&[key]),
        Write::Event(len) => input.variant(2, WRITES).put(&len.to_le_bytes()),
        Write::Value(key, Some(len)) => input.variant(3, WRITES).put(&[key, 1]).put(&len.to_le_bytes()),
        Write::Pulse(len) => input.variant(4, WRITES).put(&[len]),
        Write::Ask { member, key } => input.variant(5, WRITES).put(&[member, key]),
        Write::Answer(len) => input.variant(6, WRITES).put(&len.to_le_bytes()),
        ref other => unreachable!("{other:?} is not in a recording"),
    }
}

/// A call that nothing on the network causes.
type Command = (u16, fn() -> Call<'static>);

/// A short life of a cluster, in which the first node is the one under test.
struct Story {
    name: &'static str,
    preset: u8,
    /// How many nodes beside the first, and in how many zones.
    others: u8,
    zones: u8,
    /// Which of them stops, and when.
    crash: Option<(u8, u16)>,
    /// What the first node's host wants, and when, in ms.
    commands: &'static [Command],
    ms: u16,
}

const JOIN: Command = (1, || Call::Join { seeds: 0b110 });
const LATE: [Command; 1] = [(5_000, || Call::Join { seeds: 0b110 })];
/// What a host writes once; the nodes around it do the same a little earlier.
const WRITES: [Command; 9] = [
    (4_400, || Call::Write(Write::Publish { key: 1, len: 40, ttl: Some(60), outlives: true })),
    (4_405, || Call::Write(Write::Event(100))),
    (4_410, || Call::Write(Write::Value(2, Some(30)))),
    (4_415, || Call::Write(Write::Pulse(8))),
    (4_420, || Call::Write(Write::Ask { member: 1, key: 3 })),
    (4_500, || Call::Write(Write::Answer(10))),
    (4_600, || Call::Write(Write::Withdraw(1))),
    (4_605, || Call::Write(Write::Publish { key: 4, len: 300, ttl: Some(1), outlives: false })),
    (4_700, || Call::Write(Write::Event(0))),
];
const STORIES: [Story; 8] = [
    Story { name: "joins", preset: 1, others: 2, zones: 1, crash: None, commands: &[JOIN], ms: 900 },
    Story { name: "is-joined", preset: 1, others: 3, zones: 2, crash: None, commands: &[], ms: 900 },
    Story {
        name: "crash",
        preset: 1,
        others: 3,
        zones: 1,
        crash: Some((2, 600)),
        commands: &[JOIN],
        ms: 4_500,
    },
    Story {
        name: "zone-falls-silent",
        preset: 1,
        others: 5,
        zones: 2,
        crash: Some((1, 500)),
        commands: &[JOIN],
        ms: 3_000,
    },
    Story {
        name: "speaks-and-leaves",
        preset: 0x41,
        others: 2,
        zones: 1,
        crash: None,
        commands: &[
            JOIN,
            (600, || Call::Health(2)),
            (800, || Call::Pause { seconds: 2 }),
            (1_500, || Call::Leave),
        ],
        ms: 2_000,
    },
    Story { name: "writes", preset: 1, others: 3, zones: 1, crash: None, commands: &WRITES, ms: 6_000 },
    Story { name: "hears-late", preset: 1, others: 3, zones: 2, crash: None, commands: &LATE, ms: 6_500 },
    Story { name: "pull", preset: 0x31, others: 2, zones: 1, crash: None, commands: &[JOIN], ms: 700 },
];

/// A datagram under way: from, to, bytes.
type Datagram = (SocketAddr, SocketAddr, Vec<u8>);

/// The other nodes of a story, on links of 1 ms.
struct Others {
    nodes: Vec<Node<Heap>>,
    buffer: Box<Buffer<64, 128, 76_800>>,
    wire: Vec<Datagram>,
    /// What their hosts were asked.
    questions: Vec<Question>,
}

impl Others {
    fn new(story: &Story) -> Self {
        let mut others =
            Self { nodes: Vec::new(), buffer: Box::default(), wire: Vec::new(), questions: Vec::new() };
        for n in 1..=story.others {
            let locality = Locality { zone: n % story.zones, ..Locality::default() };
            let identity =
                Identity { id: forge::id(n), epoch: FIRST_EPOCH, address: forge::address(n), locality };
            let node =
                Node::new(preset(story.preset), identity, [n; 32], Heap::for_members(16), Instant::ZERO);
            others.nodes.extend(node.ok());
            let seeds = if story.name == "is-joined" { 0..1 } else { 1..2 };
            let seeds: Vec<SocketAddr> = seeds.map(forge::address).collect();
            others.step(usize::from(n) - 1, |node, out| node.join(Instant::ZERO, &seeds, out));
        }
        others
    }

    fn step(
        &mut self,
        n: usize,
        call: impl for<'o> FnOnce(&mut Node<Heap>, &'o mut gossip_core::Outbox<'_>) -> gossip_core::Output<'o>,
    ) {
        let from = self.nodes[n].me().address();
        let mut outbox = self.buffer.outbox();
        let output = call(&mut self.nodes[n], &mut outbox);
        self.questions.extend(output.events().iter().filter_map(|event| match *event {
            Event::Asked { question, .. } => Some(question),
            _ => None,
        }));
        self.wire.extend(output.packets().map(|packet| (from, packet.to, packet.bytes.to_vec())));
    }

    /// Everyone who is up takes in what came, and ticks; returns what came for the first node.
    fn live(&mut self, now: Instant, is_up: impl Fn(usize) -> bool) -> Vec<Datagram> {
        let mut for_the_first = Vec::new();
        for (from, to, mut bytes) in std::mem::take(&mut self.wire) {
            let n = self.nodes.iter().position(|node| node.me().address() == to);
            match n.filter(|&n| is_up(n)) {
                Some(n) => self.step(n, |node, out| node.handle_datagram(now, from, &mut bytes, out)),
                None if to == forge::address(0) => for_the_first.push((from, to, bytes)),
                None => {}
            }
        }
        for n in (0..self.nodes.len()).filter(|&n| is_up(n)) {
            let due = WRITES
                .iter()
                .filter(|(at, _)| Instant::from_millis(u64::from(*at) - 10 * (n as u64 + 1)) == now);
            for write in
                due.filter_map(|(_, call)| if let Call::Write(write) = call() { Some(write) } else { None })
            {
                let question = self.questions.pop();
                // What breaks a limit is refused; what is due is done in any case.
                self.step(n, |node, out| {
                    let _ = write.apply(node, now, question, out);
                    node.tick(now, out)
                });
            }
            if self.nodes[n].next_tick() <= now {
                self.step(n, |node, out| node.tick(now, out));
            }
        }
        for_the_first
    }
}

/// What the first node lived through, call by call, and every datagram that was sent.
fn record(story: &Story) -> (Vec<u8>, Vec<Datagram>) {
    let mut others = Others::new(story);
    let mut said = Vec::new();
    let beginning = Program { start: 0, preset: story.preset, calls: Vec::new() };
    let mut rig = Rig::new(&beginning);
    let mut calls: Vec<(u16, Call<'static>)> = Vec::new();
    for ms in 1..=story.ms {
        let is_up =
            |n: usize| story.crash.is_none_or(|(who, when)| ms < when || n % 2 != usize::from(who) % 2);
        said.extend(others.wire.iter().cloned());
        let came = others.live(Instant::from_millis(ms.into()), is_up);
        rig.call(&Call::Pass { ms: 1 });
        let commands = story.commands.iter().filter(|(at, _)| *at == ms).map(|(_, call)| call());
        let datagrams = came.into_iter().map(|(from, _, bytes)| {
            let SocketAddr::V4(v4) = from else { unreachable!("all addresses are IPv4") };
            Call::Datagram { from: v4.ip().octets()[3], bytes: Bytes(bytes.leak()) }
        });
        for call in commands.chain(datagrams) {
            rig.call(&call);
            calls.push((ms, call));
        }
        others.wire.extend(rig.sent.drain(..).map(|(to, bytes)| (forge::address(0), to, bytes)));
    }
    let mut program = Program { calls: Vec::new(), ..beginning };
    let mut now = 0;
    for (at, call) in calls {
        if at > now {
            program.calls.push(Call::Pass { ms: at - now });
            now = at;
        }
        program.calls.push(call);
    }
    (write_program(&program), said)
}

/// The tags of a datagram's sections.
fn sections(datagram: &[u8]) -> Vec<(u8, &[u8])> {
    let mut rest = &datagram[22..];
    let mut found = Vec::new();
    while let [tag, high, low, later @ ..] = rest {
        let (body, next) = later.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        found.push((*tag, body));
        rest = next;
    }
    found
}

/// A few runs with the attacker, of each kind of happening one at least.
fn clusters() -> BTreeMap<String, Vec<u8>> {
    use cluster::Happening;
    const HAPPENINGS: u64 = 15;
    let pass = |input: &mut Input, ms: u16| {
        input.variant(0, HAPPENINGS).put(&ms.to_le_bytes());
    };
    let stories: [(&str, u64, &[u8]); 9] = [
        ("crash", 1, &[1]),
        ("restart", 2, &[1, 1]),
        ("pause", 3, &[1, 0xB8, 0x0B]),
        ("leave", 4, &[1]),
        ("health", 5, &[1, 1]),
        ("announce", 6, &[1, 3]),
        ("weather", 7, &[30, 20, 20]),
        ("cut", 8, &[0, 1]),
        ("replay", 10, &[3, 1, 2, 0, 0, 0]),
    ];
    let mut seeds = BTreeMap::new();
    for (size, (name, which, fields)) in (0u8..).zip(stories) {
        let mut input = Input::default();
        input.put(&[7, 0, size]);
        pass(&mut input, 1_500);
        input.variant(which, HAPPENINGS).put(fields);
        pass(&mut input, 4_000);
        let read = cluster::Program::arbitrary_take_rest(Unstructured::new(&input.0));
        let Ok(program) = read else { unreachable!("whole") };
        let kind = std::mem::discriminant(&program.happenings[1]);
        let earlier = seeds.insert(name.to_owned(), (kind, input.0));
        assert!(earlier.is_none() && program.happenings.len() == 3);
        assert!(matches!(program.happenings[2], Happening::Pass { ms: 4_000 }), "{program:?}");
    }
    let seeds = seeds.into_iter().map(|(name, (_, bytes))| (name, bytes));
    // And some of everything.
    seeds.chain((1..=8).map(|n| (format!("anything-{n}"), anything(n, 400)))).collect()
}

/// Bytes of no meaning, which read as programs all the same (SplitMix64).
fn anything(seed: u64, words: usize) -> Vec<u8> {
    let word = |n: u64| {
        let mut word = (n << 8 | seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    };
    (0..words as u64).flat_map(|n| word(n).to_le_bytes()).collect()
}

/// The presets, and a knob turned while running.
fn configurations() -> BTreeMap<String, Vec<u8>> {
    use config::{Knobs, Number};
    let mut seeds = BTreeMap::new();
    for (preset, knob) in [(0u8, 14u8), (1, 0), (2, 15)] {
        let mut input = Input::default();
        input.put(&[1, preset, 1, knob]).variant(0, 5).put(&[60, 0]);
        input.put(&[preset, 1, knob]).variant(1, 5).put(&100u16.to_le_bytes());
        let first = Knobs { preset, changes: vec![(knob, Number::Tiny(60))] };
        let second = Knobs { preset, changes: vec![(knob, Number::Small(100))] };
        let bytes = input.checked(&config::Program { seed: 1, first, second }).to_vec();
        seeds.insert(format!("preset-{preset}"), bytes);
    }
    seeds
}

fn write(directory: &Path, target: &str, seeds: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let directory = directory.join(target);
    fs::create_dir_all(&directory)?;
    for (name, bytes) in seeds {
        fs::write(directory.join(name), bytes)?;
    }
    println!("{}: {} seeds", directory.display(), seeds.len());
    Ok(())
}

/// Pairs of summaries, with the length of the first in front.
fn summaries() -> BTreeMap<String, Vec<u8>> {
    let (mut histograms, mut distincts, mut tops) = (vec![], vec![], vec![]);
    for node in 0..2_u64 {
        let (mut histogram, mut distinct, mut top) =
            (Histogram::<8>::new(), Distinct::<128>::new(), TopK::<16>::new());
        for step in 1..60 {
            histogram.record_n((step * step) << node, step);
            distinct.insert(&[step as u8, node as u8]);
            top.add(step % (10 + 20 * node), step);
        }
        let mut bytes = vec![0; Histogram::<8>::MAX_ENCODED];
        let length = histogram.encode(&mut bytes).unwrap_or_default();
        histograms.push(bytes[..length].to_vec());
        let length = distinct.encode(&mut bytes).unwrap_or_default();
        distincts.push(bytes[..length].to_vec());
        let length = top.encode(&mut bytes).unwrap_or_default();
        tops.push(bytes[..length].to_vec());
    }
    let pair = |pair: Vec<Vec<u8>>| [vec![pair[0].len() as u8], pair.concat()].concat();
    let pairs = [("histograms", histograms), ("distincts", distincts), ("tops", tops)];
    pairs.map(|(name, two)| (name.to_owned(), pair(two))).into()
}

/// Datagrams with the sections that are too rare for a story.
fn forged() -> impl Iterator<Item = (String, Vec<u8>)> {
    let (head, origin) = ([&[1, 0][..], &forge::CLUSTER_TAG].concat(), forge::id(1));
    let rare = [
        testkit::forge::range(0, 1 << 26),
        testkit::forge::event_want(origin, FIRST_EPOCH, 9, 0b1011),
        testkit::forge::keys("key", 2),
        testkit::forge::answer(7, 0, b"found"),
    ];
    rare.into_iter()
        .map(move |section| (section.0.to_string(), testkit::forge::datagram(&head, origin, &[section])))
}

fn main() -> io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("say where to: cargo run --example seeds DIRECTORY");
        std::process::exit(2);
    };
    let (mut frames, mut records, mut steps) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for story in &STORIES {
        let (program, said) = record(story);
        steps.insert(story.name.to_owned(), program);
        for (_, _, bytes) in said {
            let found = sections(&bytes);
            let tags: Vec<String> = found.iter().map(|(tag, _)| tag.to_string()).collect();
            let of_records = found.iter().filter(|(tag, _)| *tag == 32).map(|(_, body)| body.to_vec());
            records.extend(of_records.map(|body| (format!("{}-bytes", body.len()), body)));
            frames.entry(tags.join("-")).or_insert(bytes);
        }
    }
    frames.extend(forged());
    steps.extend((1..=4).map(|n| (format!("anything-{n}"), anything(n, 600))));
    write(&directory, "frame", &frames)?;
    write(&directory, "records", &records)?;
    write(&directory, "step", &steps)?;
    write(&directory, "cluster", &clusters())?;
    write(&directory, "config", &configurations())?;
    write(&directory, "summaries", &summaries())
}
