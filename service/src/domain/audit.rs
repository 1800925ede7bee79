//! The audit: acts are logged with the target `audit`, one line each, and kept in the store for
//! admins to read. What callers can cause without end, failed authentications and refused acts, is
//! sampled. Where the store cannot keep an event, the act stands and the log says so: a store that
//! is full must not stop anybody from revoking a key.

mod sampler;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use self::sampler::Sampler;
use super::Domain;
use crate::auth::Caller;
use spiderq_core::{
    client_network,
    error::Result,
    limits::{
        DEFAULT_AUDIT_KEEP_DAYS, MAX_AUDIT_EVENTS, MAX_AUDIT_SCAN, MAX_AUDIT_SUBJECT_BYTES,
        MAX_ROWS,
    },
    model::{AUTHENTICATE, AuditEvent, Millis, ProjectId, Role},
    store::{AuditPlace, AuditRange},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The result of an act that was done.
pub const DONE: &str = "OK";

/// What an act was.
#[derive(Clone, Debug)]
pub struct Act {
    /// The gRPC call.
    pub call: &'static str,
    /// `None`: about no project in particular.
    pub project: Option<ProjectId>,
    /// What it was about, without any secret.
    pub subject: String,
    /// [`DONE`], or the name of a gRPC status.
    pub result: &'static str,
    /// How many jobs.
    pub count: Option<u64>,
}

/// Where an act came from.
#[derive(Clone, Debug)]
pub struct ActSource {
    /// The other end of the connection; `None`: not known.
    pub peer: Option<SocketAddr>,
    /// Empty: none.
    pub request_id: String,
}

/// Which events are listed.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// Those of this time or later.
    pub from: Millis,
    /// Those before this time.
    pub until: Millis,
    /// Of this owner; empty: of all.
    pub owner: String,
    /// Of this call; empty: of all.
    pub call: String,
    /// Of this project; `None`: of all and of none.
    pub project: Option<ProjectId>,
    /// Those before this place, where a page before ended.
    pub after: Option<AuditPlace>,
    /// Most events of the page.
    pub limit: usize,
}

impl AuditQuery {
    fn matches(&self, event: &AuditEvent) -> bool {
        (self.owner.is_empty() || self.owner == event.owner)
            && (self.call.is_empty() || self.call == event.call)
            && (self.project.is_none() || self.project == event.project)
    }
}

/// Events, the latest first, and where the next page goes on; `None`: nowhere.
pub type AuditPage = (Vec<AuditEvent>, Option<AuditPlace>);

/// What the domain keeps for the audit.
#[derive(Debug)]
pub(super) struct Audit {
    keep_days: u32,
    /// Failed authentications by address.
    failed: Sampler<IpAddr>,
    /// Refused acts by owner, call and result.
    refused: Sampler<(String, &'static str, &'static str)>,
}

impl Default for Audit {
    fn default() -> Self {
        Self::keeping(DEFAULT_AUDIT_KEEP_DAYS)
    }
}

impl Audit {
    fn keeping(keep_days: u32) -> Self {
        Self { keep_days, failed: Sampler::default(), refused: Sampler::default() }
    }
}

impl Domain {
    /// Keeps audit events for so many days; 0: only the log has them.
    #[must_use]
    pub fn with_audit_keep(mut self, days: u32) -> Self {
        self.audit = Arc::new(Audit::keeping(days));
        self
    }

    /// Tells and keeps an act. One that was refused is counted only, after the first of its kind.
    pub async fn audit(&self, caller: &Caller, act: Act, source: ActSource) {
        let (owner, key_id, role) = who(caller);
        let kind = || (owner.clone(), act.call, act.result);
        if act.result != DONE && !self.audit.refused.is_first(kind()) {
            return;
        }
        self.tell(AuditEvent {
            time: self.now(),
            owner,
            key_id,
            role,
            peer: source.peer.map(|peer| peer.to_string()).unwrap_or_default(),
            call: act.call.to_owned(),
            project: act.project,
            subject: shortened(act.subject),
            result: act.result.to_owned(),
            count: act.count,
            request_id: source.request_id,
        })
        .await;
    }

    /// Counts a failed authentication; the first from an address is logged at once.
    pub fn authentication_failed(&self, peer: IpAddr) {
        let peer = client_network(peer);
        if self.audit.failed.is_first(peer) {
            tracing::info!(target: "audit", %peer, "authentication failed");
        }
    }

    /// The events of a query, for admins.
    pub async fn list_audit_events(&self, caller: &Caller, query: AuditQuery) -> Result<AuditPage> {
        caller.may_administer()?;
        let (mut range, mut events, mut looked_at) =
            (AuditRange { from: query.from, until: query.until, before: query.after }, vec![], 0);
        loop {
            let page = self.store.audit_events(range, MAX_ROWS).await?;
            let is_last = page.len() < MAX_ROWS;
            looked_at += page.len();
            for (place, event) in page {
                range.before = Some(place);
                if query.matches(&event) {
                    events.push(event);
                }
                if events.len() == query.limit {
                    return Ok((events, range.before));
                }
            }
            if is_last || looked_at >= MAX_AUDIT_SCAN {
                return Ok((events, range.before.filter(|_| !is_last)));
            }
        }
    }

    async fn tell(&self, event: AuditEvent) {
        log(&event);
        if self.audit.keep_days == 0 {
            return;
        }
        let call = event.call.clone();
        if let Err(error) = self.store.add_audit_event(event).await {
            let cause = error.cause();
            tracing::warn!(target: "audit", call, %error, cause, "audit event not kept");
        }
    }
}

/// Tells sums of what was sampled, and removes old events, round by round.
#[derive(Debug)]
pub struct Auditor(Arc<Domain>);

impl Auditor {
    /// Handles the audit of this domain.
    #[must_use]
    pub const fn new(domain: Arc<Domain>) -> Self {
        Self(domain)
    }

    /// One round.
    pub async fn round(&mut self) -> Result<()> {
        self.tell_failed().await;
        self.tell_refused().await;
        let keep_ms = u64::from(self.0.audit.keep_days).saturating_mul(DAY_MS);
        let from = Millis(self.0.now().0.saturating_sub(keep_ms));
        while self.0.store.prune_audit_events(from, MAX_AUDIT_EVENTS).await? {}
        Ok(())
    }

    /// A line for each address, and one event for all: who has no key must not fill the store.
    async fn tell_failed(&self) {
        let sums = self.0.audit.failed.take();
        for (peer, failed) in &sums.untold {
            tracing::info!(target: "audit", %peer, failed, "authentication failed again");
        }
        if sums.others > 0 {
            let failed = sums.others;
            tracing::info!(target: "audit", failed, "authentication failed from other addresses");
        }
        let Some((most, count)) = sums.most else { return };
        let more = if sums.others > 0 { " or more" } else { "" };
        let subject = format!("from {}{more} addresses, {count} times from this", sums.sources);
        let event = AuditEvent {
            peer: most.to_string(),
            subject,
            ..self.sum(AUTHENTICATE, "UNAUTHENTICATED", sums.all)
        };
        self.0.tell(event).await;
    }

    async fn tell_refused(&self) {
        for ((owner, call, result), count) in self.0.audit.refused.take().untold {
            let subject = "again".to_owned();
            self.0.tell(AuditEvent { owner, subject, ..self.sum(call, result, count) }).await;
        }
    }

    fn sum(&self, call: &str, result: &str, count: u64) -> AuditEvent {
        AuditEvent {
            time: self.0.now(),
            owner: String::new(),
            key_id: String::new(),
            role: None,
            peer: String::new(),
            call: call.to_owned(),
            project: None,
            subject: String::new(),
            result: result.to_owned(),
            count: Some(count),
            request_id: String::new(),
        }
    }
}

/// Owner, id of the API key or key of the job, and role.
fn who(caller: &Caller) -> (String, String, Option<Role>) {
    match caller {
        Caller::Key { id, name, role, .. } => (name.to_string(), id.clone(), Some(*role)),
        Caller::Job { key, actor, .. } => (actor.to_string(), key.to_string(), None),
    }
}

fn shortened(mut subject: String) -> String {
    const CUT: &str = "…";
    if subject.len() > MAX_AUDIT_SUBJECT_BYTES {
        subject.truncate(subject.floor_char_boundary(MAX_AUDIT_SUBJECT_BYTES - CUT.len()));
        subject.push_str(CUT);
    }
    subject
}

fn log(event: &AuditEvent) {
    tracing::info!(
        target: "audit",
        owner = event.owner,
        key_id = event.key_id,
        role = event.role.map(Role::as_str),
        peer = event.peer,
        call = event.call,
        project = event.project.map(ProjectId::get),
        subject = event.subject,
        result = event.result,
        count = event.count,
        request_id = event.request_id,
        "act"
    );
}
