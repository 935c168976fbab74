//! Kept state, as a host publishes and reads it.

use crate::{
    handle::Handle,
    key::{DecodeError, Key, VALUE_ROOM},
    key_watch::KeyWatch,
    lock::lock,
    value::{PublishError, Value, encoded},
    view::name_of,
};
use bytes::Bytes;
use gossip_core::{AfterDeath, Heap, Node, NodeId, Outbox, StateError, Terms};
use std::{sync::Arc, time::Duration};

/// The key of a node's name.
const NAME: &str = "name";
/// The key under which a node says which of the cluster's keys it has.
#[cfg(feature = "seal")]
const KEYS: &str = "gossip.keys";

/// Publishes a node's name, at its start. It is shown of the dead, too.
pub(crate) fn publish_name(
    node: &mut Node<Heap>,
    name: &str,
    out: &mut Outbox<'_>,
) -> Result<(), StateError> {
    let terms = Terms { after_death: AfterDeath::Kept, ..Terms::default() };
    node.publish(node.now(), NAME, name.as_bytes(), terms, out).map(drop)
}

/// Kept state: what each member publishes of itself, and all others know. A write is in this node's own state when the call
/// returns, and reaches all members within a fraction of a second; after a burst of eight, a node tells what it writes at most
/// once a second. It is not meant for load or counters, and promises no order between members.
impl Handle {
    /// Sets a key of this node for as long as it runs. A restarted node begins without keys.
    ///
    /// # Errors
    /// Which limit was met, or why the value cannot be encoded. Nothing changes then.
    pub fn publish<T>(&self, key: &Key<T>, value: &T) -> Result<(), PublishError> {
        self.publish_with(key, value, Terms::default())
    }

    /// Sets a key of this node for a time of 1 s to 194 days, which is rounded up to whole seconds. Unless it is set again
    /// before that time is over, it expires: here no more than a second later, and everywhere else at about the same time,
    /// since the time left travels in whole seconds. So set it again some seconds before. A value that should end with the
    /// node needs no time: it does anyway.
    ///
    /// # Errors
    /// As those of [`publish`](Self::publish).
    pub fn publish_for<T>(&self, key: &Key<T>, value: &T, ttl: Duration) -> Result<(), PublishError> {
        let seconds = ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0));
        let ttl = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        self.publish_with(key, value, Terms { ttl, ..Terms::default() })
    }

    /// Sets a key of this node, and says how long it lasts: for a time, or beyond this node's death.
    ///
    /// # Errors
    /// As those of [`publish`](Self::publish).
    pub fn publish_with<T>(&self, key: &Key<T>, value: &T, terms: Terms) -> Result<(), PublishError> {
        let mut room = [0; VALUE_ROOM];
        let bytes = encoded(key, value, &mut room)?;
        not_its_own(key)?;
        self.0.write(|node, now, out| node.publish(now, key.name(), bytes, terms, out))
    }

    /// Deletes a key of this node, which need not exist.
    ///
    /// # Errors
    /// The key is not 1 to 31 visible ASCII characters, or is the node's name; or this node has left.
    pub fn withdraw<T>(&self, key: &Key<T>) -> Result<(), PublishError> {
        not_its_own(key)?;
        self.0.write(|node, now, out| node.withdraw(now, key.name(), out))
    }

    /// The value of a key of a member, or of this node itself; `None` if it has none, or the member is not known.
    ///
    /// # Errors
    /// The member has published a value of another type or schema under this key.
    pub fn get<T>(&self, member: NodeId, key: &Key<T>) -> Result<Option<Value<T>>, DecodeError> {
        let found = self.0.read(member, key.name());
        found.map(|(found, _)| found.try_map(|bytes| self.0.decode(key, &bytes))).transpose()
    }

    /// The values that the other members have for a key, and what changes of them.
    pub fn watch_key<T>(&self, key: &Key<T>) -> KeyWatch<T> {
        KeyWatch::new(Arc::clone(&self.0), key.clone())
    }

    /// All keys of a member, or of this node itself, and their values in encoded form, in the order in which they were written.
    /// Values of typed keys begin with their schema.
    pub fn state(&self, member: NodeId) -> Vec<(String, Value<Bytes>)> {
        let node = lock(&self.0.node);
        let Some(owner) = node.member(member) else { return Vec::new() };
        let entries = node.state(member);
        entries.map(|entry| (entry.key().to_string(), Value::of(&entry, owner.record()))).collect()
    }

    /// The names of all live members and of this node, each with its id. A member's name is known a moment after the member
    /// itself. A name is shown only if the member's id follows from it.
    pub fn names(&self) -> Vec<(String, NodeId)> {
        let node = lock(&self.0.node);
        let live = node.members().filter(|member| member.status().is_live()).map(|member| member.id());
        let all = live.chain([self.id()]);
        all.filter_map(|id| Some((name_of(&node, id)?, id))).collect()
    }

    /// The live member of this name, or this node itself.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        let id = NodeId::from_name(name).ok()?;
        lock(&self.0.node).member(id).filter(|member| member.status().is_live()).map(|_| id)
    }
}

/// Refuses the keys that a node publishes itself.
fn not_its_own<T>(key: &Key<T>) -> Result<(), PublishError> {
    match key.name() {
        NAME => Err(PublishError::Name),
        #[cfg(feature = "seal")]
        KEYS => Err(PublishError::Keys),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options, testing::FakeTransport};
    use gossip_core::{ClusterName, Config, Instant, Status};
    use std::io;

    const PORT: Key<u16> = Key::new("port");
    const BLOB: Key<Bytes> = Key::raw("blob");

    fn started(change: impl FnOnce(&mut Options)) -> (Handle, Engine) {
        let mut options = Options::new("node", Config::lan(ClusterName::named("kept").unwrap()));
        options.capacity = 16;
        change(&mut options);
        Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap()
    }

    fn turn(engine: &mut Engine, millis: u64) -> Instant {
        let receive_error = Some(io::ErrorKind::WouldBlock);
        let mut transport =
            FakeTransport { now: Instant::from_millis(millis), receive_error, ..FakeTransport::default() };
        engine.turn(&mut transport).continue_value().unwrap().until
    }

    #[test]
    fn what_is_written_is_read_at_once_and_gone_when_it_is_withdrawn() {
        let (node, _engine) = started(|_| {});
        let me = node.id();
        assert_eq!(node.get(me, &PORT), Ok(None));
        node.publish(&PORT, &8_080).unwrap();
        let found = node.get(me, &PORT).unwrap().unwrap();
        assert_eq!((found.value, found.status, found.left), (8_080, Status::Alive, None));
        assert_eq!(found.epoch, node.me().incarnation().epoch);
        node.publish(&PORT, &8_081).unwrap();
        assert!(node.get(me, &PORT).unwrap().is_some_and(|next| next.version > found.version));
        node.publish(&BLOB, &Bytes::from_static(b"\xFFblob")).unwrap();
        assert_eq!(node.get(me, &BLOB).unwrap().unwrap().value, b"\xFFblob"[..]);
        let keys: Vec<_> = node.state(me).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["name", "port", "blob"]);
        node.withdraw(&PORT).unwrap();
        node.withdraw(&PORT).unwrap();
        assert_eq!(node.get(me, &PORT), Ok(None));
    }

    #[test]
    fn a_value_with_a_time_to_live_ends_with_it() {
        let (node, mut engine) = started(|_| {});
        node.publish_for(&PORT, &1, Duration::from_millis(2_500)).unwrap();
        assert_eq!(node.get(node.id(), &PORT).unwrap().unwrap().left, Some(Duration::from_secs(3)));
        turn(&mut engine, 2_000);
        assert_eq!(node.get(node.id(), &PORT).unwrap().unwrap().left, Some(Duration::from_secs(1)));
        turn(&mut engine, 3_000);
        assert_eq!(node.get(node.id(), &PORT), Ok(None));
    }

    #[test]
    fn what_breaks_a_limit_is_refused_with_that_limit_and_changes_nothing() {
        let (node, _engine) = started(|_| {});
        let blob = |bytes: usize| Bytes::from(vec![7; bytes]);
        let text = Key::<String>::new("text");
        node.publish(&BLOB, &blob(500)).unwrap();
        let before = node.state(node.id());
        let refused = [
            (node.publish(&BLOB, &blob(894)), "more than 897 bytes"),
            (node.publish(&BLOB, &blob(100_000)), "more than 897 bytes"),
            (node.publish(&text, &"x".repeat(100_000)), "more than 897 bytes"),
            (node.publish(&text, &"x".repeat(600)), "1024 bytes of keys and values"),
            (node.publish(&PORT.named("p".repeat(32)), &1), "1 to 31 visible ASCII characters"),
            (node.publish(&PORT.named(""), &1), "1 to 31 visible ASCII characters"),
            (node.withdraw(&PORT.named("a b")), "1 to 31 visible ASCII characters"),
            (node.publish_for(&PORT, &1, Duration::ZERO), "1 to 16,777,216 seconds"),
            (node.publish_for(&PORT, &1, Duration::MAX), "1 to 16,777,216 seconds"),
            (node.publish(&text.named("name"), &"other".into()), "the node's own name"),
            (node.withdraw(&text.named("name")), "the node's own name"),
        ];
        for (refused, limit) in refused {
            let text = refused.expect_err(limit).to_string();
            assert!(text.contains(limit), "{text}");
        }
        assert_eq!(node.state(node.id()), before);
        let (node, _engine) = started(|options| options.config.state_per_member = 4_096);
        let error = (0..100).find_map(|i| node.publish(&PORT.named(format!("port/{i}")), &i).err());
        assert!(error.unwrap().to_string().contains("64 keys at the most"));
    }

    #[test]
    fn a_write_is_taken_whatever_the_size_of_datagrams() {
        let (smallest, largest) = (400, VALUE_ROOM as u16);
        for max_datagram in [smallest, 1_200, largest] {
            let (node, _engine) = started(|options| {
                options.config.max_datagram = max_datagram;
                options.config.state_per_member = 4_096;
            });
            let fits = Bytes::from(vec![7; usize::from(max_datagram) - 300 - 8 - BLOB.name().len()]);
            node.publish(&BLOB, &fits).unwrap();
            assert_eq!(node.get(node.id(), &BLOB).unwrap().map(|found| found.value), Some(fits));
            let longer = Bytes::from(vec![7; VALUE_ROOM]);
            assert!(matches!(
                node.publish(&BLOB, &longer),
                Err(PublishError::State(StateError::TooLarge { .. }))
            ));
        }
    }

    #[test]
    fn a_name_that_does_not_fit_a_datagram_is_refused_at_the_start() {
        let mut options = Options::new("n".repeat(255), Config::lan(ClusterName::named("kept").unwrap()));
        options.config.max_datagram = 400;
        let error = Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap_err();
        assert!(error.to_string().contains("too long to be published"), "{error}");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("more than 98 bytes"));
    }

    #[test]
    fn what_is_not_of_the_keys_type_is_an_error_that_is_counted() {
        let (node, _engine) = started(|_| {});
        node.publish(&Key::<String>::with_schema("port", 2), &"http".into()).unwrap();
        let error = node.get(node.id(), &PORT).unwrap_err();
        assert!(error.to_string().contains("schema 2, not 0"), "{error}");
        node.publish(&Key::<String>::new("port"), &"http".into()).unwrap();
        assert!(node.get(node.id(), &PORT).is_err());
        assert_eq!(node.host_metrics().values_undecoded, 2);
        let raw = node.get(node.id(), &Key::raw("port")).unwrap().unwrap();
        assert_eq!(raw.value, b"\0\x04http"[..]);
    }

    #[test]
    fn a_write_asks_the_driver_to_come_back_when_it_is_told() {
        let (node, mut engine) = started(|_| {});
        turn(&mut engine, 1);
        for port in 0..20 {
            node.publish(&PORT, &port).unwrap();
        }
        // The name and seven of them have been told at once; the rest is told together a second later.
        let until = turn(&mut engine, 2);
        assert!(until <= Instant::from_millis(1_002), "{until:?}");
        let told = node.me().state_version();
        turn(&mut engine, 1_100);
        assert!(node.me().state_version() > told);
    }

    #[test]
    fn a_node_has_its_name_and_one_that_has_stopped_publishes_nothing() {
        let (node, engine) = started(|_| {});
        assert_eq!(node.names(), [("node".to_owned(), node.id())]);
        assert_eq!((node.find("node"), node.find("other"), node.find("")), (Some(node.id()), None, None));
        assert_eq!(node.member(node.id()).unwrap().name.as_deref(), Some("node"));
        drop(engine);
        assert_eq!(node.publish(&PORT, &1), Err(PublishError::Stopped));
        assert_eq!(node.withdraw(&PORT), Err(PublishError::Stopped));
    }
}
