//! The feed: what happens around this agent, for the page that shows it, in the format of `docs/src/recording.md`.
//!
//! ```text
//! Handle::events ──▶ Picture (members in numbers) ──▶ lines, encoded once ──▶ all readers
//!                        └──▶ snapshot, for a reader that comes late
//! ```
//!
//! There is a picture only while someone reads. A reader that is too slow loses its stream, and so do all when the picture is no
//! longer right, as when the node starts over; they come again, and begin with a snapshot.

mod picture;

use crate::locality::Place;
use adapter_tokio::{Bytes, Events, Handle, Key, NodeId};
use futures_util::future::join_all;
use picture::Picture;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    sync::broadcast,
    time::{MissedTickBehavior, interval},
};

/// Lines that wait for a slow reader; one that is further behind loses its stream.
const MAX_LINES: usize = 4_096;
/// How many other members are asked for the fingerprints of their views each second, while someone reads.
const ASKED: usize = 8;
/// For how many seconds the picture is kept without a reader.
const KEPT: u32 = 10;
/// What agents ask each other for.
const VIEW: Key<Bytes> = Key::raw("gossip.view");

/// Answers the questions of others for the fingerprint of this node's view, for as long as the node runs.
pub(crate) fn answer_views(handle: &Handle) {
    let Ok(mut questions) = handle.answer(&VIEW) else {
        return debug_assert!(false, "nobody else answers this name");
    };
    let handle = handle.clone();
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let view = Bytes::copy_from_slice(&handle.fingerprint().0.to_be_bytes());
            // Whoever asks asks again.
            let _ = question.answer(&view);
        }
    });
}

/// The feed of an agent.
#[derive(Clone)]
pub(crate) struct Feed {
    handle: Handle,
    name: String,
    cluster: String,
    place: Place,
    open: Arc<Mutex<Option<Open>>>,
}

/// A picture, and who reads what comes of it.
struct Open {
    picture: Picture,
    began: Instant,
    lines: broadcast::Sender<Arc<str>>,
    /// Seconds without a reader.
    unread: u32,
    /// The fingerprints that others have answered since the last line of figures.
    views: Vec<u64>,
    /// Where among the members to ask next.
    next: usize,
}

/// All that a reader reads: the lines so far, and those that come.
pub(crate) type Reading = (Arc<[Arc<str>]>, broadcast::Receiver<Arc<str>>);

impl Feed {
    pub(crate) fn new(handle: Handle, name: String, cluster: String, place: Place) -> Self {
        Self { handle, name, cluster, place, open: Arc::default() }
    }

    /// Begins to read.
    pub(crate) fn read(&self) -> Reading {
        self.with(|open| {
            let open = open.get_or_insert_with(|| {
                // Before the members are looked at, so that nothing is missed in between.
                let events = self.handle.events();
                let names = (&*self.name, &*self.cluster);
                let picture = Picture::new(&self.handle, names, self.place.clone(), SystemTime::now());
                tokio::spawn(self.clone().follow(events));
                let (lines, began) = (broadcast::channel(MAX_LINES).0, Instant::now());
                Open { picture, began, lines, unread: 0, views: Vec::new(), next: 0 }
            });
            let now = open.now();
            (open.picture.snapshot(now), open.lines.subscribe())
        })
    }

    fn with<T>(&self, see: impl FnOnce(&mut Option<Open>) -> T) -> T {
        see(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells all readers what happens, until there are none, or the picture is wrong.
    async fn follow(self, mut events: Events) {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let _ = seconds.tick().await;
        loop {
            let goes_on = tokio::select! {
                next = events.next() => match next {
                    Some(Ok(notice)) => self.step(|open| {
                        let now = open.now();
                        open.picture.hear(&notice, now)
                    }),
                    // What was missed cannot be told: those who read begin anew.
                    Some(Err(_)) | None => false,
                },
                _ = seconds.tick() => self.second(),
            };
            if !goes_on {
                // With the sender all streams end.
                return self.with(|open| *open = None);
            }
        }
    }

    /// Tells all readers something that a test has made up.
    #[cfg(test)]
    pub(super) fn tell(&self, lines: Vec<String>) {
        assert!(self.step(|_| Some(lines)));
    }

    /// How many read.
    #[cfg(test)]
    pub(super) fn readers(&self) -> usize {
        self.with(|open| open.as_ref().map_or(0, |open| open.lines.receiver_count()))
    }

    /// Does something with the picture, and sends what it has to tell; returns whether the picture is right.
    fn step(&self, tell: impl FnOnce(&mut Open) -> Option<Vec<String>>) -> bool {
        self.with(|open| {
            let Some(open) = open else { return false };
            let Some(lines) = tell(open) else { return false };
            for line in lines {
                // There may be no reader just now.
                let _ = open.lines.send(line.into());
            }
            true
        })
    }

    fn second(&self) -> bool {
        let mut asked = Vec::new();
        let goes_on = self.step(|open| {
            open.unread = if open.lines.receiver_count() == 0 { open.unread + 1 } else { 0 };
            if open.unread > KEPT {
                return None;
            }
            let (now, views) = (open.now(), std::mem::take(&mut open.views));
            asked = open.picture.live_from(&mut open.next, ASKED);
            Some(open.picture.second(&self.handle, now, &views))
        });
        if goes_on && !asked.is_empty() {
            tokio::spawn(self.clone().ask(asked));
        }
        goes_on
    }

    /// Asks some members for their views.
    async fn ask(self, members: Vec<NodeId>) {
        let asks = members.into_iter().map(|member| self.handle.ask(member, &VIEW));
        let answers = join_all(asks).await;
        let views = answers.into_iter().flatten().filter_map(|view| view.as_ref().try_into().ok());
        let views: Vec<u64> = views.map(u64::from_be_bytes).collect();
        self.with(|open| {
            if let Some(open) = open {
                open.views = views;
            }
        });
    }
}

impl Open {
    /// Milliseconds since the beginning.
    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter_tokio::{ClusterName, Config, Options, bind};
    use tokio::sync::broadcast::error::RecvError;

    #[tokio::test]
    async fn a_slow_reader_loses_its_stream_and_others_keep_theirs() {
        let cluster = ClusterName::named("feed").unwrap();
        let (handle, driver) = bind(Options::new("a", Config::local(cluster))).await.unwrap();
        let _driver = driver.spawn();
        let feed =
            Feed::new(handle, "a".to_owned(), "feed".to_owned(), crate::locality::parse("0/0/0").unwrap());
        let (_, mut slow) = feed.read();
        for n in 0..MAX_LINES + 1 {
            assert!(feed.step(|_| Some(vec![n.to_string()])));
        }
        let (snapshot, mut other) = feed.read();
        assert!(matches!(slow.recv().await, Err(RecvError::Lagged(_))), "which ends it");
        assert!(feed.step(|_| Some(vec!["news".to_owned()])));
        assert_eq!(&*other.recv().await.unwrap(), "news");
        assert!(Arc::ptr_eq(&snapshot, &feed.read().0), "encoded once");
        // The picture is wrong: all streams end, and whoever comes again gets another.
        assert!(!feed.step(|_| None));
        feed.with(|open| *open = None);
        assert!(matches!(other.recv().await, Err(RecvError::Closed)));
        assert!(!Arc::ptr_eq(&snapshot, &feed.read().0));
    }
}
