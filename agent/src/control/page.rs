//! The dashboard, for a browser: it follows `/v1/feed`, and asks for what whoever opens it may read.

use axum::{
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    response::{Html, IntoResponse},
};

/// The page, which is the same for all, with the policy that lets it run its own program alone.
pub(super) async fn page() -> impl IntoResponse {
    let headers = [
        (CONTENT_SECURITY_POLICY, gossip_dashboard::policy()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // An agent that was upgraded has another one.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(gossip_dashboard::page()))
}
