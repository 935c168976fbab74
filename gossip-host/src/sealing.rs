//! The keys that a running node has.

use crate::{error::StartError, handle::Handle, lock::lock, options::Options};
use gossip_core::{Heap, KeyError, KeyId, KeyRing, Node, Outbox, Sealing};
use std::{error::Error, fmt};

/// Gives a node the keys that it starts with.
pub(crate) fn begin(
    node: &mut Node<Heap>,
    options: &Options,
    out: &mut Outbox<'_>,
) -> Result<(), StartError> {
    let Some(keys) = &options.keys else { return Ok(()) };
    let ring = keys.load().map_err(StartError::Keys)?;
    let sealing = options.sealing.unwrap_or(Sealing::Require);
    // A node may start in any mode, with whatever members it was restored.
    let _ = node.set_keys(node.now(), ring, sealing, true, out);
    Ok(())
}

/// Which keys a node has, and how many members seal with each.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct KeysView {
    /// How far the node is on its way from clear to sealed.
    pub sealing: Sealing,
    /// The ids of its keys, the sealing one first, and how many live members seal with each: as they publish, or, if they publish
    /// nothing, as they were last heard.
    pub keys: Vec<(KeyId, u32)>,
}

impl Handle {
    /// Seals what this node sends, and opens what it hears, with these keys from now on, as far as `sealing` says; with
    /// [`Sealing::Off`] the keys wait. All nodes of a cluster have to go along: [`Sealing`] says in which steps a cluster is
    /// sealed. A key is changed in three steps, each on all nodes before the next: the new key is added as the second; it is made
    /// the first; the old one is removed.
    ///
    /// # Errors
    /// Unless it is `force`d: [`KeyError::NotUnderstood`], where live members that understand this node would not in the new mode;
    /// [`KeyError::InUse`], where the ring lacks a key that live members need, since they seal with it, or share no other with the
    /// ring. They would be cut off; force it where a key has leaked. [`SetKeysError::Stopped`], if the node has stopped. Nothing has
    /// changed.
    pub fn set_keys(&self, ring: KeyRing, sealing: Sealing, force: bool) -> Result<(), SetKeysError> {
        let set = self.0.step(|node, now, out| node.set_keys(now, ring, sealing, force, out));
        set.ok_or(SetKeysError::Stopped)?.map_err(SetKeysError::Key)
    }

    /// The ids of the keys that this node has, and how many live members seal with each; never the keys. What another member has
    /// is in its state, under the key `gossip.keys`: `require 58 13` says that it seals all with 58, and opens 13 as well.
    pub fn keys(&self) -> KeysView {
        let node = lock(&self.0.node);
        KeysView { sealing: node.sealing(), keys: node.keys_in_use().collect() }
    }
}

/// Why a node's keys were not changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SetKeysError {
    /// Live members would be cut off.
    Key(KeyError),
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for SetKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => error.fmt(f),
            Self::Stopped => f.write_str("this node has stopped"),
        }
    }
}

impl Error for SetKeysError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, KeyFile, KeyFileError, KeysError};
    use gossip_core::{ClusterName, Config, Instant, Key};
    use std::sync::Arc;

    fn ring(n: u8) -> KeyRing {
        let key = Key::from_bytes(std::array::from_fn(|i| n ^ i as u8)).unwrap();
        KeyRing::new(&[key]).unwrap()
    }

    fn started(change: impl FnOnce(&mut Options)) -> Result<(Handle, Engine), StartError> {
        let options = Options::new("node", Config::lan(ClusterName::named("sealing").unwrap()));
        Engine::start(options.with(change), ([127, 0, 0, 1], 7946).into(), || Instant::ZERO)
    }

    fn ids(handle: &Handle) -> Vec<KeyId> {
        handle.keys().keys.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn a_node_begins_with_the_keys_that_it_is_given_and_requires_them() {
        let (clear, _engine) = started(|_| {}).unwrap();
        assert_eq!((clear.keys().sealing, clear.keys().keys), (Sealing::Off, vec![]));
        let (sealed, _engine) = started(|o| o.keys = Some(Arc::new(ring(1)))).unwrap();
        assert_eq!((sealed.keys().sealing, ids(&sealed)), (Sealing::Require, ring(1).ids().collect()));
        let accepts = |o: &mut Options| {
            o.keys = Some(Arc::new(ring(1)));
            o.sealing = Some(Sealing::Accept);
        };
        assert_eq!(started(accepts).unwrap().0.keys().sealing, Sealing::Accept);
    }

    #[test]
    fn a_node_does_not_start_without_the_keys_that_it_needs() {
        let refused = started(|o| o.sealing = Some(Sealing::Prefer)).unwrap_err();
        assert!(matches!(refused, StartError::NoKeys), "{refused}");
        assert!(started(|o| o.sealing = Some(Sealing::Off)).is_ok());
        let missing = started(|o| o.keys = Some(Arc::new(KeyFile::new("/dev/null/keys")))).unwrap_err();
        let expected = matches!(missing, StartError::Keys(KeysError::File(KeyFileError::Unreadable(_))));
        assert!(expected && missing.to_string().contains("/dev/null/keys"), "{missing}");
    }

    #[test]
    fn a_running_node_takes_other_keys_and_one_that_has_stopped_none() {
        let (node, engine) = started(|_| {}).unwrap();
        assert_eq!(node.set_keys(ring(1), Sealing::Prefer, false), Ok(()));
        assert_eq!(node.set_keys(ring(2), Sealing::Require, false), Ok(()), "nobody speaks under the first");
        assert_eq!((node.keys().sealing, ids(&node)), (Sealing::Require, ring(2).ids().collect()));
        let told = node.get(node.id(), &crate::Key::raw("gossip.keys")).unwrap().unwrap();
        assert_eq!(told.value, format!("require {}", ids(&node)[0]).as_bytes());
        let other = crate::Bytes::from_static(b"off");
        assert_eq!(node.publish(&crate::Key::raw("gossip.keys"), &other), Err(crate::PublishError::Keys));
        drop(engine);
        assert_eq!(node.set_keys(ring(1), Sealing::Prefer, true), Err(SetKeysError::Stopped));
    }
}
