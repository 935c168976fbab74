use super::*;
use adapter_tokio::{Identity, Record, Versions};

fn record(name: &str) -> Record {
    let locality = Locality { region: 1, zone: 2, rack: 3 };
    let id = NodeId::from_name(name).unwrap();
    let address = "10.0.0.1:7946".parse().unwrap();
    Record::new(Identity { id, epoch: 7, address, locality }, Versions::OURS)
}

fn view(record: Record, name: Option<&str>) -> MemberView {
    let name = name.map(str::to_owned);
    MemberView {
        id: record.id(),
        name,
        record,
        reachability: Reachability::Reachable,
        routable: true,
        accusers: Vec::new(),
    }
}

fn notice(event: Event, member: Option<MemberView>) -> Notice {
    Notice { event, member, at: SystemTime::UNIX_EPOCH }
}

/// A picture of an agent that knows nobody.
fn alone() -> Picture {
    let mut picture = Picture {
        head: "{}".to_owned(),
        here: crate::locality::parse("0/0/0").unwrap(),
        members: Vec::new(),
        numbers: HashMap::new(),
        zones: HashMap::new(),
        held: BTreeSet::new(),
        accused: Sums::new(),
        told_accused: 0,
        sent: Default::default(),
        snapshot: None,
    };
    picture.add(Member::of(&view(record("me"), Some("me"))));
    picture
}

fn lines(told: Option<Vec<String>>) -> Vec<Value> {
    told.unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn snapshot(picture: &mut Picture) -> Vec<Value> {
    let lines = picture.snapshot(9).iter().map(|line| line.to_string()).collect();
    self::lines(Some(lines))
}

#[test]
fn who_comes_later_is_placed_first_and_named_once_its_name_is_known() {
    let (mut picture, db) = (alone(), record("db-1"));
    let came = lines(picture.hear(&notice(Event::Up(db.id()), Some(view(db, None))), 5));
    let id = db.id().to_string();
    assert_eq!(came, [json!({"place": ["1", "2", "3"], "n": 1, "names": [id]}), json!([5, "up", 1, 0])]);
    let named = lines(picture.hear(&notice(Event::State(db.id()), Some(view(db, Some("db-1")))), 6));
    assert_eq!(named, [json!({"named": 1, "name": "db-1"})]);
    let places: Vec<Value> = snapshot(&mut picture).into_iter().skip(1).collect();
    assert_eq!(places, [json!({"place": ["1", "2", "3"], "n": 2, "names": ["me", "db-1"]})]);
}

#[test]
fn a_late_reader_is_told_of_each_member_that_is_not_alive_and_healthy() {
    let mut picture = alone();
    let all = ["well", "suspect", "dead", "ill", "gone"].map(record);
    for record in all {
        let _ = picture.hear(&notice(Event::Up(record.id()), Some(view(record, Some("x")))), 1).unwrap();
    }
    let [_, suspect, dead, ill, gone] = all;
    let accused = suspect.with_status(Status::Suspect);
    let by_dead = MemberView { accusers: vec![dead.id()], ..view(accused, Some("x")) };
    let told = lines(picture.hear(&notice(Event::Suspected(suspect.id()), Some(by_dead.clone())), 2));
    assert_eq!(told, [json!([2, "suspected", 2, 3]), json!([2, "accused", 2, 3])]);
    let _ = picture.hear(&notice(Event::Unreachable(suspect.id()), Some(by_dead)), 2).unwrap();
    let mut tell = |event, record| lines(picture.hear(&notice(event, Some(view(record, Some("x")))), 2));
    let _ = tell(Event::Down(dead.id()), dead.with_status(Status::Dead));
    let sick = ill.with_state(1, Health::Unhealthy, 0);
    assert_eq!(tell(Event::Updated(ill.id()), sick), [json!([2, "health", 4, 0, 2])]);
    let _ = picture.hear(&notice(Event::Reaped(gone.id()), None), 2).unwrap();
    let zone = Zone { region: 1, zone: 2 };
    let held = lines(picture.hear(&notice(Event::ZoneQuarantined(zone), None), 3));
    assert_eq!(held, [json!([3, "zone_held", 0, 0, 1])]);
    let events: Vec<Value> = snapshot(&mut picture).into_iter().filter(Value::is_array).collect();
    let expected = [
        json!([9, "suspected", 2, 3]),
        json!([9, "unreachable", 2, 0]),
        json!([9, "down", 3, 0]),
        json!([9, "health", 4, 0, 2]),
        json!([9, "forgotten", 5, 0]),
        json!([9, "zone_held", 0, 0, 1]),
        json!([9, "accused", 2, 3]),
    ];
    assert_eq!(events, expected);
}

#[test]
fn what_numbers_cannot_tell_makes_readers_begin_anew() {
    let (mut picture, db) = (alone(), record("db-1"));
    let _ = picture.hear(&notice(Event::Up(db.id()), Some(view(db, None))), 1).unwrap();
    let moved = db.with_locality(Locality { rack: 9, ..db.locality() });
    assert!(picture.hear(&notice(Event::Updated(db.id()), Some(view(moved, None))), 2).is_none());
    assert!(picture.hear(&notice(Event::Reset, None), 2).is_none());
}

#[test]
fn all_live_members_are_asked_in_turn() {
    let mut picture = alone();
    for n in 0..5 {
        let record = record(&format!("db-{n}"));
        let _ = picture.hear(&notice(Event::Up(record.id()), Some(view(record, None))), 1).unwrap();
    }
    let mut next = 0;
    let asked: Vec<NodeId> = (0..3).flat_map(|_| picture.live_from(&mut next, 2)).collect();
    let others: BTreeSet<NodeId> = picture.members.iter().skip(1).map(|member| member.id).collect();
    assert_eq!(asked.iter().copied().collect::<BTreeSet<_>>(), others);
    assert_eq!(alone().live_from(&mut next, 2), []);
}

/// A view of a suspect with these accusers.
fn accused(suspect: Record, by: &[Record]) -> MemberView {
    MemberView {
        accusers: by.iter().map(Record::id).collect(),
        ..view(suspect.with_status(Status::Suspect), Some("x"))
    }
}

#[test]
fn each_accuser_is_told_once_and_counted_by_its_zone() {
    let mut picture = alone();
    let [a, b] = ["a", "b"].map(record);
    let suspect = record("suspect").with_locality(Locality { zone: 9, ..a.locality() });
    for record in [a, b, suspect] {
        let _ = picture.hear(&notice(Event::Up(record.id()), Some(view(record, Some("x")))), 1).unwrap();
    }
    let mut tell = |by: &[Record]| {
        let event = Event::Suspected(suspect.id());
        lines(picture.hear(&notice(event, Some(accused(suspect, by))), 2))
    };
    assert_eq!(tell(&[a]), [json!([2, "suspected", 3, 1]), json!([2, "accused", 3, 1])]);
    assert_eq!(tell(&[a, b]), [json!([2, "accused", 3, 2])]);
    assert_eq!(busiest(&picture.accused), json!([[0, 1, 2]]));
    // Once it has refuted, whoever accuses it again does so anew.
    let _ = picture.hear(&notice(Event::Cleared(suspect.id()), Some(view(suspect, Some("x")))), 3).unwrap();
    let again = lines(picture.hear(&notice(Event::Suspected(suspect.id()), Some(accused(suspect, &[b]))), 4));
    assert_eq!(again, [json!([4, "suspected", 3, 2]), json!([4, "accused", 3, 2])]);
}

#[test]
fn a_late_reader_counts_each_accusation_once() {
    let mut picture = alone();
    let [suspect, a, b] = ["suspect", "a", "b"].map(record);
    for record in [suspect, a, b] {
        let _ = picture.hear(&notice(Event::Up(record.id()), Some(view(record, Some("x")))), 1).unwrap();
    }
    let event = Event::Suspected(suspect.id());
    let _ = picture.hear(&notice(event, Some(accused(suspect, &[a]))), 2).unwrap();
    let figures = |picture: &mut Picture| {
        let found: Vec<Value> = snapshot(picture).into_iter().filter(|line| line["s"].is_u64()).collect();
        found
    };
    assert_eq!(figures(&mut picture), [] as [Value; 0], "the line of this second will count it");
    // What a line of figures does once it is sent.
    (picture.accused, picture.told_accused, picture.snapshot) = (Sums::new(), 0, None);
    assert_eq!(figures(&mut picture), [json!({ "s": 9, "acc": [[0, 0, 1]] })]);
    let _ = picture.hear(&notice(event, Some(accused(suspect, &[a, b]))), 3).unwrap();
    assert_eq!(figures(&mut picture), [json!({ "s": 9, "acc": [[0, 0, 1]] })], "the other is counted later");
}

#[test]
fn of_many_accusations_a_second_some_are_told_and_all_are_counted() {
    let mut picture = alone();
    let accuser = record("accuser");
    let _ = picture.hear(&notice(Event::Up(accuser.id()), Some(view(accuser, Some("x")))), 1).unwrap();
    let mut told = 0;
    for n in 0..MAX_PAIRS as u32 + 10 {
        let at = Locality { region: (n / 250) as u8 + 2, zone: (n % 250) as u8, rack: 0 };
        let suspect = record(&format!("db-{n}")).with_locality(at);
        let event = Event::Suspected(suspect.id());
        let lines = lines(picture.hear(&notice(event, Some(accused(suspect, &[accuser]))), 2));
        told += lines.iter().filter(|line| line[1] == "accused").count();
    }
    assert_eq!(told, MAX_ACCUSED);
    assert_eq!(picture.accused.values().sum::<u64>(), MAX_PAIRS as u64 + 10);
    assert_eq!(busiest(&picture.accused).as_array().map(Vec::len), Some(MAX_PAIRS));
    let late = snapshot(&mut picture).into_iter().filter(|line| line[1] == "accused").count();
    assert_eq!(late, MAX_ACCUSED);
}

#[test]
fn the_picture_of_ten_thousand_members_comes_in_bounded_lines() {
    const MEMBERS: usize = 10_000;
    // The longest that the rule for names allows, of characters that JSON does not lengthen.
    const MAX_NAME: usize = 255;
    let mut picture = alone();
    for n in 1..MEMBERS {
        let name = format!("{n:0MAX_NAME$}");
        let view = view(record(&format!("db-{n}")), Some(&name));
        picture.add(Member::of(&view));
    }
    let lines = picture.snapshot(9);
    assert_eq!(lines.len(), 1 + MEMBERS.div_ceil(MAX_PLACED), "all are alive, healthy and at one place");
    let longest = lines.iter().map(|line| line.len()).max().unwrap_or_default();
    assert!(longest <= MAX_PLACED * (MAX_NAME + 3) + 64, "{longest}");
    let placed: u64 = lines
        .iter()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap())
        .sum();
    assert_eq!(placed as usize, MEMBERS);
}
