//! In what the views of two agents differ.

use crate::control::api::Member;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Something that two agents see differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    /// The member, by its name if one of the two knows it.
    pub(super) member: String,
    pub(super) field: String,
    /// What the first agent sees; none where it does not know the member, or the member has no such key.
    pub(super) here: Option<String>,
    /// What the other one sees.
    pub(super) there: Option<String>,
}

/// All that differs, by member. What each observes on its own, as whether it reaches a member, does not count.
pub(super) fn differences(here: &[Member], there: &[Member]) -> Vec<Difference> {
    let by_id = |members: &[Member]| -> BTreeMap<String, Member> {
        members.iter().map(|member| (member.id.clone(), member.clone())).collect()
    };
    let (here, there) = (by_id(here), by_id(there));
    let ids: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    ids.into_iter().flat_map(|id| of_member(id, here.get(id), there.get(id))).collect()
}

fn of_member(id: &str, here: Option<&Member>, there: Option<&Member>) -> Vec<Difference> {
    let name = |member: Option<&Member>| member.and_then(|member| member.name.clone());
    let member = name(here).or_else(|| name(there)).unwrap_or_else(|| id.to_owned());
    let (here, there) = (shared(here), shared(there));
    let fields: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    let differing = fields.into_iter().filter(|&field| here.get(field) != there.get(field));
    differing
        .map(|field| Difference {
            member: member.clone(),
            field: field.clone(),
            here: here.get(field).cloned(),
            there: there.get(field).cloned(),
        })
        .collect()
}

/// What all should see alike of a member.
fn shared(member: Option<&Member>) -> BTreeMap<String, String> {
    let Some(member) = member else { return BTreeMap::new() };
    let tags = member.tags.iter().map(|(key, value)| (format!("tag {key}"), value.clone()));
    let fields = [
        ("name", member.name.clone().unwrap_or_default()),
        ("address", member.address.to_string()),
        ("locality", member.locality.clone()),
        ("status", member.status.clone()),
        ("health", member.health.clone()),
        ("epoch", member.epoch.to_string()),
    ];
    fields.into_iter().map(|(field, value)| (field.to_owned(), value)).chain(tags).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, status: &str) -> Member {
        Member {
            name: Some(name.to_owned()),
            id: format!("id of {name}"),
            address: ([127, 0, 0, 1], 1).into(),
            locality: "0/0/0".to_owned(),
            place: "0/0/0".to_owned(),
            status: status.to_owned(),
            reachability: Some("reachable".to_owned()),
            health: "healthy".to_owned(),
            routable: true,
            accusers: Vec::new(),
            epoch: 1,
            tags: BTreeMap::from([("role".to_owned(), "db".to_owned())]),
        }
    }

    #[test]
    fn only_what_all_should_see_alike_counts() {
        let here = [member("a", "alive"), member("b", "alive")];
        let mut there = here.clone();
        (there[0].reachability, there[0].routable) = (Some("unreachable".to_owned()), false);
        assert_eq!(differences(&here, &there), []);
        there[1].status = "dead".to_owned();
        there[1].tags.clear();
        let found = differences(&here, &there);
        let told: Vec<_> = found.iter().map(|one| (&*one.member, &*one.field, one.here.as_deref())).collect();
        assert_eq!(told, [("b", "status", Some("alive")), ("b", "tag role", Some("db"))]);
        assert_eq!(found[0].there.as_deref(), Some("dead"));
        assert_eq!(found[1].there, None);
    }

    #[test]
    fn a_member_that_one_does_not_know_differs_in_everything() {
        let found = differences(&[member("a", "alive")], &[]);
        assert_eq!(found.len(), 7);
        assert!(found.iter().all(|one| one.there.is_none()));
    }
}
