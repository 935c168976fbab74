//! Cluster-wide values, as a host sets and reads them.

use crate::{
    cluster_value::ClusterValue,
    cluster_watch::ClusterWatch,
    handle::Handle,
    key::{DecodeError, Key, VALUE_ROOM},
    lock::lock,
    value::{PublishError, encoded},
};
use bytes::Bytes;
use gossip_core::{Authority, ValueTag};
use std::sync::Arc;

/// The keys that belong to no member, from [`Handle::cluster`]: flags and settings that every node holds. For what a member
/// says of itself, see [`Handle::publish`].
///
/// A cluster has up to 64 keys, deleted ones included for a day, and 16 KiB of keys and values; a value has at most 300
/// bytes less than `max_datagram`. A write is in this node's own state when the call returns, and reaches all members within a
/// fraction of a second.
///
/// If several members set a key at the same time, one of the values wins, everywhere. There is no lock and no
/// compare-and-set: what needs one belongs in a database.
#[derive(Clone, Copy, Debug)]
pub struct Cluster<'a>(&'a Handle);

impl Handle {
    /// The keys that belong to no member.
    pub fn cluster(&self) -> Cluster<'_> {
        Cluster(self)
    }
}

impl Cluster<'_> {
    /// Sets a key to a value, and tells all members. A value that the key has already is not told again.
    ///
    /// # Errors
    /// Which limit was met, that the key is an authority's, or why the value cannot be encoded. Nothing changes then.
    pub fn set<T>(self, key: &Key<T>, value: &T) -> Result<(), PublishError> {
        let mut room = [0; VALUE_ROOM];
        let bytes = encoded(key, value, &mut room)?;
        self.written(self.0.0.write(|node, now, out| node.set_value(now, key.name(), bytes, out)))
    }

    /// Deletes a key, which need not exist. It keeps its place for a day, so that the deletion reaches members that are cut
    /// off; one that is cut off for longer may bring the value back.
    ///
    /// # Errors
    /// As those of [`set`](Self::set).
    pub fn delete<T>(self, key: &Key<T>) -> Result<(), PublishError> {
        self.written(self.0.0.write(|node, now, out| node.delete_value(now, key.name(), out)))
    }

    /// Passes on what an authority outside of the cluster says of a key, under the authority's own revision; `None` if it was
    /// deleted there. It wins over what members set, and over what the authority said before. Several members may pass on the
    /// same value; that is no conflict.
    ///
    /// Nothing proves that a value is from the authority: members that act on it should ask the authority first.
    ///
    /// # Errors
    /// As those of [`set`](Self::set), or the authority has said something later.
    pub fn set_from_authority<T>(
        self,
        key: &Key<T>,
        value: Option<&T>,
        at: Authority,
    ) -> Result<(), PublishError> {
        let mut room = [0; VALUE_ROOM];
        let bytes = value.map(|value| encoded(key, value, &mut room)).transpose()?;
        let name = key.name();
        self.written(self.0.0.write(|node, now, out| node.set_authority_value(now, name, bytes, at, out)))
    }

    /// Reserves the keys that begin with these prefixes, and no others, for an authority: up to four prefixes of 1 to 31 visible
    /// ASCII characters. What members have set under them is dropped, and refused from then on. All members should reserve the
    /// same prefixes, before they join.
    ///
    /// # Errors
    /// There are more than four prefixes, or one of them cannot begin a key.
    pub fn reserve(self, prefixes: &[&str]) -> Result<(), PublishError> {
        self.written(self.0.0.write(|node, now, out| node.reserve_values(now, prefixes, out)))
    }

    /// Wakes the watches of this node: no event tells of its own writes.
    fn written(self, written: Result<(), PublishError>) -> Result<(), PublishError> {
        written.inspect(|()| self.0.0.board.raise_alarm())
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    /// The value that was set is not of this type, or of another schema.
    pub fn get<T>(self, key: &Key<T>) -> Result<Option<ClusterValue<T>>, DecodeError> {
        let shared = &self.0.0;
        let found = shared.cluster_value(key.name());
        found.map(|found| found.try_map(|bytes| shared.decode(key, &bytes))).transpose()
    }

    /// The value that a key has now, and what becomes of it.
    pub fn watch<T>(self, key: &Key<T>) -> ClusterWatch<T> {
        ClusterWatch::new(Arc::clone(&self.0.0), key.clone())
    }

    /// All keys and their values in encoded form, in the order of the keys. Values of typed keys begin with their schema.
    pub fn values(self) -> Vec<(String, ClusterValue<Bytes>)> {
        let node = lock(&self.0.0.node);
        node.values().map(|value| (value.key().to_owned(), ClusterValue::of(&value))).collect()
    }

    /// The key that [`Event::Value`](gossip_core::Event::Value) is about, and its value, if it has one.
    pub fn tagged(self, tag: ValueTag) -> Option<(String, ClusterValue<Bytes>)> {
        let node = lock(&self.0.0.node);
        node.tagged_value(tag).map(|value| (value.key().to_owned(), ClusterValue::of(&value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options, cluster_watch::ClusterChange, key_watch::WatchError};
    use gossip_core::{ClusterName, Config, Event, Instant};
    use std::task::{Context, Poll, Waker};

    const MODE: Key<String> = Key::new("mode");
    const BLOB: Key<Bytes> = Key::raw("blob");

    fn started() -> (Handle, Engine) {
        let options = Options::new("node", Config::lan(ClusterName::named("cluster").unwrap()));
        Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap()
    }

    fn value_of(node: &Handle) -> Option<String> {
        node.cluster().get(&MODE).unwrap().map(|found| found.value)
    }

    #[test]
    fn what_is_set_is_read_at_once_and_gone_when_it_is_deleted() {
        let (node, _engine) = started();
        assert_eq!(node.cluster().get(&MODE), Ok(None));
        node.cluster().set(&MODE, &"dark".into()).unwrap();
        let first = node.cluster().get(&MODE).unwrap().unwrap();
        assert_eq!((first.value.as_str(), first.writer, first.authority), ("dark", node.id(), None));
        node.cluster().set(&MODE, &"light".into()).unwrap();
        assert!(node.cluster().get(&MODE).unwrap().is_some_and(|next| next.revision > first.revision));
        node.cluster().set(&BLOB, &Bytes::from_static(b"\xFF")).unwrap();
        let tag = ValueTag::of("blob");
        assert_eq!(node.cluster().tagged(tag).map(|(key, _)| key).as_deref(), Some("blob"));
        let keys: Vec<_> = node.cluster().values().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["blob", "mode"]);
        node.cluster().delete(&MODE).unwrap();
        assert_eq!(value_of(&node), None);
    }

    #[test]
    fn an_authority_outranks_members_by_its_revision() {
        let (node, _engine) = started();
        let at = |revision| Authority { source: 1, revision };
        node.cluster().set(&MODE, &"members'".into()).unwrap();
        node.cluster().set_from_authority(&MODE, Some(&"its".into()), at(7)).unwrap();
        let found = node.cluster().get(&MODE).unwrap().unwrap();
        assert_eq!((found.value.as_str(), found.authority), ("its", Some(at(7))));
        let refused = [
            (node.cluster().set(&MODE, &"ours".into()), "an authority has written this key"),
            (node.cluster().set_from_authority(&MODE, Some(&"old".into()), at(6)), "tell its later revision"),
            (node.cluster().reserve(&["a/", "b/", "c/", "d/", "e/"]), "4 prefixes"),
            (
                node.cluster().reserve(&["bl"]).and_then(|()| node.cluster().set(&BLOB, &Bytes::new())),
                "prefix",
            ),
        ];
        for (refused, why) in refused {
            let text = refused.expect_err(why).to_string();
            assert!(text.contains(why), "{text}");
        }
        assert_eq!(value_of(&node).as_deref(), Some("its"));
        node.cluster().set_from_authority(&MODE, None, at(8)).unwrap();
        assert_eq!(value_of(&node), None);
    }

    #[test]
    fn what_breaks_a_limit_of_the_cluster_is_refused_and_changes_nothing() {
        let (node, _engine) = started();
        node.cluster().set(&BLOB, &Bytes::from_static(b"kept")).unwrap();
        let refused = [
            (node.cluster().set(&BLOB, &Bytes::from(vec![7; 901])), "more than 900 bytes"),
            (node.cluster().set(&MODE, &"x".repeat(100_000)), "more than 900 bytes"),
            (node.cluster().set(&MODE.named("m".repeat(32)), &"x".into()), "1 to 31 visible ASCII"),
            (node.cluster().delete(&MODE.named("a b")), "1 to 31 visible ASCII"),
        ];
        for (refused, limit) in refused {
            let text = refused.expect_err(limit).to_string();
            assert!(text.contains(limit), "{text}");
        }
        assert_eq!(node.cluster().get(&BLOB).unwrap().unwrap().value, b"kept"[..]);
        let short = |i: u32| node.cluster().set(&BLOB.named(format!("key/{i}")), &Bytes::from_static(b"x"));
        let error = (0..100).find_map(|i| short(i).err()).unwrap();
        assert!(error.to_string().contains("64 keys at the most"), "{error}");

        let (node, _engine) = started();
        let long = |i: u32| node.cluster().set(&BLOB.named(format!("key/{i}")), &Bytes::from(vec![7; 900]));
        let error = (0..64).find_map(|i| long(i).err()).unwrap();
        assert!(error.to_string().contains("16384 bytes at the most"), "{error}");
    }

    #[test]
    fn a_watch_tells_this_nodes_own_writes_and_what_an_authority_said_twice() {
        let (node, engine) = started();
        let mut watch = node.cluster().watch(&MODE);
        let mut events = node.events();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(watch.poll_next(&mut cx).is_pending());
        let mut told = || match watch.poll_next(&mut cx) {
            Poll::Ready(Some(Ok(ClusterChange::Set(found)))) => found.value,
            Poll::Ready(Some(Ok(ClusterChange::Gone))) => "gone".into(),
            Poll::Ready(Some(Ok(ClusterChange::Conflict { .. }))) => "conflict".into(),
            Poll::Ready(Some(Err(WatchError::Decode { .. }))) => "undecoded".into(),
            Poll::Ready(other) => format!("{other:?}"),
            Poll::Pending => "nothing".into(),
        };
        for mode in ["one", "two", "two", "three"] {
            node.cluster().set(&MODE, &mode.into()).unwrap();
        }
        node.cluster().set(&BLOB, &Bytes::new()).unwrap();
        assert_eq!((told(), told()), ("three".to_owned(), "nothing".to_owned()), "the latest, once");
        node.cluster().delete(&MODE).unwrap();
        assert_eq!((told(), told()), ("gone".to_owned(), "nothing".to_owned()));
        node.cluster().set(&Key::<u8>::with_schema("mode", 3), &1).unwrap();
        assert_eq!(told(), "undecoded");
        assert_eq!(node.host_metrics().values_undecoded, 1);

        let at = Authority { source: 1, revision: 7 };
        node.cluster().set_from_authority(&MODE, Some(&"a".into()), at).unwrap();
        assert_eq!(told(), "a");
        node.cluster().set_from_authority(&MODE, Some(&"b".into()), at).unwrap();
        assert_eq!(told(), "conflict");
        let posted = events.poll_next(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(Ok(notice))) = posted else { panic!("{posted:?}") };
        let value = ValueTag::of("mode");
        assert_eq!(notice.event, Event::ValueConflict { value, loser: node.id() });
        drop(engine);
        assert!(matches!(node.cluster().delete(&MODE), Err(PublishError::Stopped)));
    }
}
