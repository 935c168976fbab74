//! Who reaches a member, asked of several members that are spread over the zones.
//!
//! ```text
//! gossip reach db-3 ──▶ agent ──"gossip.reach/ID"──▶ up to 7 others ──▶ what each has seen itself ──▶ a verdict
//! ```

use super::{
    Agent,
    api::{Problem, Reach, ReachAnswer, ReachView},
    failure::{Answer, Failure},
};
use adapter_tokio::{
    AskError, AskFailure, Handle, Key, MemberView, NodeId, Reachability, StateError, Status, Zone,
};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use futures_util::future::join_all;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{sleep, timeout},
};

/// How many views are put together, the agent's own included. A node has at most 16 questions open, of which the feed takes 8.
const MAX_VIEWS: usize = 8;
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long one waits while others ask.
const TURN_LIMIT: Duration = Duration::from_secs(4);
/// When to try again, where too many questions are open.
const AGAIN: Duration = Duration::from_millis(50);
/// What agents ask each other for, with the member's id behind it.
const REACH: Key<ReachAnswer> = Key::new("gossip.reach");

/// Answers the questions of others whether this node reaches a member, for as long as the node runs.
pub(crate) fn answer_reach(handle: &Handle) {
    let Ok(mut questions) = handle.answer_under(&REACH) else {
        return debug_assert!(false, "nobody else answers this name");
    };
    let handle = handle.clone();
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let id = question.name().rsplit_once('/').and_then(|(_, id)| id.parse().ok());
            // Whoever asks asks again.
            let _ = match id {
                Some(id) => question.answer(&seen(&handle, id)),
                None => question.refuse(),
            };
        }
    });
}

/// What this node has seen of a member.
fn seen(handle: &Handle, id: NodeId) -> ReachAnswer {
    let Some(view) = handle.member(id) else { return ReachAnswer::Unknown };
    answer_of(view.status(), view.reachability, handle.is_self_quarantined())
}

fn answer_of(status: Status, reachability: Reachability, is_cut_off: bool) -> ReachAnswer {
    match (status, reachability) {
        (Status::Dead, _) => ReachAnswer::Dead,
        (Status::Left, _) => ReachAnswer::Left,
        (Status::Alive, Reachability::Reachable) => ReachAnswer::Reaches,
        // That nobody answers a node that is cut off says nothing of the others.
        _ if is_cut_off => ReachAnswer::CannotTell,
        (_, Reachability::Unreachable) => ReachAnswer::Unreachable,
        (Status::Suspect, _) => ReachAnswer::Suspects,
        (Status::Alive, Reachability::Unknown) => ReachAnswer::NotTried,
    }
}

/// Requests that ask other members take turns.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<()>>);

impl Turn {
    async fn take(&self) -> Result<OwnedMutexGuard<()>, Failure> {
        let turn = timeout(TURN_LIMIT, Arc::clone(&self.0).lock_owned());
        turn.await.map_err(|_| {
            Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                "other requests ask members whom they reach, one after the other: try again in a few seconds",
            )
        })
    }
}

impl Agent {
    /// The members to ask about another one: those that requests can be sent to, some from each zone.
    fn whom_to_ask(&self, about: &MemberView) -> Vec<MemberView> {
        let me = self.handle.id();
        let mut routable = self.handle.routable();
        routable.retain(|member| member.id != about.id);
        let most = if about.id == me { MAX_VIEWS } else { MAX_VIEWS - 1 };
        let places = routable.iter().map(|member| (zone_of(member), member.id)).collect();
        let chosen = spread(places, zone_of(about), most);
        let chosen = chosen.into_iter().filter_map(|id| routable.iter().find(|member| member.id == id));
        chosen.cloned().collect()
    }

    /// What another member says.
    async fn ask_about(&self, id: NodeId, member: MemberView) -> (MemberView, ReachAnswer) {
        let key = REACH.named(format!("{}/{id}", REACH.name()));
        let answer = timeout(ANSWER_LIMIT, async {
            loop {
                match self.handle.ask(member.id, &key).await {
                    Err(AskError::State(StateError::TooManyAsked { .. })) => sleep(AGAIN).await,
                    outcome => return outcome,
                }
            }
        });
        let answer = match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(AskError::Failed(AskFailure::Unknown))) => ReachAnswer::Refused,
            Ok(Err(AskError::Failed(AskFailure::Refused) | AskError::Decode(_))) => ReachAnswer::CannotTell,
            Ok(Err(_)) | Err(_) => ReachAnswer::NoAnswer,
        };
        (member, answer)
    }
}

fn zone_of(member: &MemberView) -> Zone {
    member.record.locality().domain()
}

/// At most this many members: one of each zone before a second one of any, `first`'s zone before others, and one zone of each
/// region before a second one. The same each time, as long as the members are the same.
fn spread(members: BTreeSet<(Zone, NodeId)>, first: Zone, most: usize) -> Vec<NodeId> {
    let mut zones: BTreeMap<Zone, usize> = BTreeMap::new();
    let mut regions: BTreeMap<u8, usize> = BTreeMap::new();
    let mut ranked: Vec<_> = members
        .into_iter()
        .map(|(zone, id)| {
            let in_zone = zones.entry(zone).or_insert_with(|| {
                *regions.entry(zone.region).or_default() += 1;
                0
            });
            *in_zone += 1;
            (*in_zone, zone != first, regions.get(&zone.region).copied(), zone, id)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(most).map(|(.., id)| id).collect()
}

/// What they say, in a sentence.
fn verdict(name: &str, views: &[(Zone, ReachAnswer)]) -> String {
    use ReachAnswer as A;
    if views.is_empty() {
        return format!("nobody else is there to say whether {name} is reached");
    }
    let those = |which: fn(A) -> bool| views.iter().filter(move |(_, answer)| which(*answer));
    let reaching = those(|answer| answer == A::Reaches).count();
    let verb = if reaching == 1 { "reaches" } else { "reach" };
    let members = if views.len() == 1 { "member" } else { "members" };
    let mut parts = vec![format!("{reaching} of {} {members} {verb} {name}", views.len())];
    let is_no = |answer| matches!(answer, A::Unreachable | A::Suspects | A::Dead | A::Left | A::Unknown);
    let zones: BTreeSet<Zone> = those(is_no).map(|(zone, _)| *zone).collect();
    let all: BTreeSet<Zone> = views.iter().map(|(zone, _)| *zone).collect();
    let at = zones.first().filter(|_| zones.len() == 1 && all.len() > 1);
    let at = at.map_or_else(String::new, |zone| format!(" in zone {zone}"));
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1{one}")),
        count => Some(format!("{count}{many}")),
    };
    parts.extend(counted(those(is_no).count(), &format!("{at} does not"), &format!("{at} do not")));
    let untried = those(|answer| answer == A::NotTried).count();
    parts.extend(counted(untried, " has not tried yet", " have not tried yet"));
    let silent = those(|answer| matches!(answer, A::CannotTell | A::NoAnswer | A::Refused)).count();
    parts.extend(counted(silent, " could not say", " could not say"));
    parts.join("; ")
}

/// Who reaches a member: what the agent's own node and up to seven others have seen themselves, spread over the zones.
#[utoipa::path(
    get,
    path = "/v1/reach/{who}",
    tag = "members",
    params(("who" = String, Path, description = "A name, or an id")),
    responses(
        (status = 200, description = "What they say", body = Reach),
        (status = 404, description = "No member is called so", body = Problem),
        (status = 429, description = "Others ask at the same time: try again", body = Problem),
    ),
)]
pub(super) async fn reach(
    State(agent): State<Agent>,
    who: Result<Path<String>, PathRejection>,
) -> Answer<Reach> {
    let Path(who) = who?;
    let _turn = agent.turn.take().await?;
    let about = agent.find(&who)?;
    let (me, id) = (agent.handle.id(), about.id);
    let own = (id != me).then(|| agent.handle.member(me)).flatten();
    let own = own.map(|mut own| {
        own.name = Some(agent.name.clone());
        (own, seen(&agent.handle, id))
    });
    let asked = agent.whom_to_ask(&about).into_iter().map(|member| agent.ask_about(id, member));
    let views: Vec<_> = own.into_iter().chain(join_all(asked).await).collect();
    let name = if id == me { Some(agent.name.clone()) } else { about.name };
    let answers: Vec<_> = views.iter().map(|(member, answer)| (zone_of(member), *answer)).collect();
    Ok(Json(Reach {
        verdict: verdict(name.as_deref().unwrap_or(&who), &answers),
        name,
        id: id.to_string(),
        reaching: answers.iter().filter(|(_, answer)| *answer == ReachAnswer::Reaches).count(),
        views: views
            .into_iter()
            .map(|(member, answer)| ReachView {
                zone: zone_of(&member).to_string(),
                name: member.name,
                id: member.id.to_string(),
                answer,
            })
            .collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReachAnswer::{CannotTell, Dead, Left, NoAnswer, NotTried, Reaches, Refused, Suspects, Unreachable};

    fn zone(region: u8, zone: u8) -> Zone {
        Zone { region, zone }
    }

    fn id(n: u64) -> NodeId {
        NodeId::from_name(&format!("member {n}")).unwrap()
    }

    #[test]
    fn members_of_all_zones_are_asked_before_a_second_of_any() {
        let places = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)].map(|(region, at)| zone(region, at));
        let members: BTreeSet<(Zone, NodeId)> =
            (0..50).map(|n| (places[n as usize % places.len()], id(n))).collect();
        let zones_of = |first, most| -> Vec<Zone> {
            let chosen = spread(members.clone(), first, most);
            assert_eq!(chosen, spread(members.clone(), first, most), "the same each time");
            chosen.iter().map(|id| members.iter().find(|(_, member)| member == id).unwrap().0).collect()
        };
        let [a, b, c, d, e] = places;
        assert_eq!(zones_of(b, 3), [b, a, d], "the member's own zone, then one of each region");
        assert_eq!(zones_of(e, 7), [e, a, d, b, c, e, a]);
        assert_eq!(zones_of(e, 100).len(), 50);
        assert_eq!(spread(BTreeSet::new(), a, 7), []);
    }

    #[test]
    fn what_a_node_has_seen_becomes_one_answer() {
        let of = |status, reachability| answer_of(status, reachability, false);
        use Reachability::{Reachable, Unknown};
        assert_eq!(of(Status::Alive, Reachable), Reaches);
        assert_eq!(of(Status::Alive, Unknown), NotTried);
        assert_eq!(of(Status::Alive, Reachability::Unreachable), Unreachable);
        assert_eq!(of(Status::Suspect, Reachability::Unreachable), Unreachable);
        assert_eq!(of(Status::Suspect, Reachable), Suspects);
        assert_eq!(of(Status::Dead, Reachable), Dead);
        assert_eq!(of(Status::Left, Unknown), Left);
        assert_eq!(answer_of(Status::Alive, Reachability::Unreachable, true), CannotTell);
        assert_eq!(answer_of(Status::Alive, Reachable, true), Reaches);
    }

    #[test]
    fn the_verdict_counts_them_and_names_a_zone_that_is_alone_with_it() {
        let (here, there) = (zone(1, 1), zone(1, 2));
        for (answers, expected) in [
            (vec![(here, Reaches), (there, Reaches)], "2 of 2 members reach db-3"),
            (
                vec![(here, Reaches), (there, Unreachable), (there, Dead)],
                "1 of 3 members reaches db-3; 2 in zone 1/2 do not",
            ),
            (vec![(here, Suspects), (there, Dead)], "0 of 2 members reach db-3; 2 do not"),
            (vec![(here, Reaches), (here, Left)], "1 of 2 members reaches db-3; 1 does not"),
            (
                vec![(here, NotTried), (there, NoAnswer), (there, Refused), (there, CannotTell)],
                "0 of 4 members reach db-3; 1 has not tried yet; 3 could not say",
            ),
            (vec![(here, Reaches)], "1 of 1 member reaches db-3"),
            (vec![], "nobody else is there to say whether db-3 is reached"),
        ] {
            assert_eq!(verdict("db-3", &answers), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_while_others_do_waits_and_is_refused_in_the_end() {
        let turn = Turn::default();
        let taken = turn.take().await.unwrap();
        assert!(turn.take().await.is_err());
        drop(taken);
        assert!(turn.take().await.is_ok());
    }

    #[test]
    fn a_question_about_any_member_is_a_key() {
        let longest = format!("{}/{}", REACH.name(), id(1));
        assert!(longest.len() <= 31, "{longest}");
    }
}
