//! Many questions that differ in one thing, with one record for all.

use std::sync::Arc;
use std::time::Instant;

use sod_host::{EntityUid, Request, code};
use uuid::Uuid;

use super::{Origin, Refusal, Service, microseconds};
use crate::packs::OpenPack;
use crate::record::{Answer, Question, Record, Search, Sought};

/// A search.
#[derive(Debug, Clone)]
pub struct SearchAsked {
    /// What is to decide.
    pub pack: Arc<OpenPack>,
    /// What is the same in all questions; whatever it has in the place of what is sought is not looked at.
    /// Without a time it is asked now.
    pub request: Request,
    /// What differs.
    pub sought: Sought,
    /// Whom or what to ask about, in this order. The caller bounds how many.
    pub candidates: Vec<EntityUid>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A search that is in the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Found {
    /// Its id, the same as in the log.
    pub id: Uuid,
    /// What decided.
    pub pack: Arc<OpenPack>,
    /// The candidates that are allowed, in the order in which they were asked about.
    pub results: Vec<EntityUid>,
    /// Candidates about which no decision could be reached, which is a deny.
    pub failed: usize,
}

impl Service {
    /// Decides about every candidate, and writes one record for all before it returns.
    ///
    /// # Errors
    /// A [`Refusal`]: nothing was found, and nothing is permitted.
    pub async fn search(&self, asked: SearchAsked) -> Result<Found, Refusal> {
        let found = self.search_in_turn(asked).await;
        found.inspect_err(|refusal| self.inner.metrics.refused(refusal))
    }

    async fn search_in_turn(&self, asked: SearchAsked) -> Result<Found, Refusal> {
        let place = self.inner.turns.place().await?;
        let service = self.clone();
        let searching = tokio::task::spawn_blocking(move || {
            let _place = place;
            service.search_here(asked)
        });
        searching.await.map_err(|_| Refusal::BrokenOff)?
    }

    fn search_here(&self, asked: SearchAsked) -> Result<Found, Refusal> {
        let SearchAsked {
            pack,
            request,
            sought,
            candidates,
            origin,
        } = asked;
        let time = self.clock().now();
        let mut request = match request.now {
            Some(_) => request,
            None => request.with_now(time),
        };
        let began = Instant::now();
        let mut failed = 0;
        let decide = |candidate| {
            Search::ask(&mut request, sought, &candidate);
            let began = Instant::now();
            let verdict = pack.policy.decide(&request);
            let metrics = &self.inner.metrics;
            metrics.decided(&pack, origin.api, &verdict, began.elapsed());
            let mut codes = verdict.reasons.iter().map(|reason| reason.code.as_str());
            failed += usize::from(codes.any(|code| code::ALL.contains(&code)));
            Question::answered(candidate, &verdict)
        };
        let questions = candidates.into_iter().map(decide).collect();
        let search = Search {
            request,
            sought,
            questions,
        };
        let results = search.results().cloned().collect();
        let record = Record {
            time,
            origin,
            pack: &pack.id,
            answer: Answer::Search(&search),
            latency_us: microseconds(began.elapsed()),
        };
        let queued = self.inner.log.queue(&record, &pack);
        let id = self.recorded(queued)?;
        Ok(Found {
            id,
            pack,
            results,
            failed,
        })
    }
}
