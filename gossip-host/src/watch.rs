//! The latest view, for those who want the state and not its history.

use crate::{board::Subscription, shared::Shared, view::MemberView};
use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

/// Tells that the view changed; changes that come faster than they are read count as one.
pub struct Watch {
    shared: Arc<Shared>,
    subscription: Subscription,
    seen: u64,
}

impl Watch {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (subscription, seen) = Subscription::new(Arc::clone(&shared.board));
        Self { shared, subscription, seen }
    }

    /// The view as it is: [`Handle::members`](crate::Handle::members).
    pub fn members(&self) -> Vec<MemberView> {
        self.shared.members()
    }

    /// The view after the next change, or at once if something changed since the last call (or, at first,
    /// since [`Handle::watch`](crate::Handle::watch)); `None` once the driver has ended.
    pub async fn changed(&mut self) -> Option<Vec<MemberView>> {
        poll_fn(|cx| self.poll_changed(cx)).await.then(|| self.members())
    }

    /// The first view that is as wanted, the present one included; `None` if the driver ends before.
    pub async fn until(&mut self, mut wanted: impl FnMut(&[MemberView]) -> bool) -> Option<Vec<MemberView>> {
        let mut members = self.members();
        while !wanted(&members) {
            members = self.changed().await?;
        }
        Some(members)
    }

    /// Ready with whether the driver is still there, once something changed or it has ended.
    pub fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let seen = &mut self.seen;
        self.subscription.poll(cx, |posted| {
            if *seen != posted.total() {
                *seen = posted.total();
                return Some(true);
            }
            posted.ended().map(|_| false)
        })
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("seen", &self.seen).finish_non_exhaustive()
    }
}
