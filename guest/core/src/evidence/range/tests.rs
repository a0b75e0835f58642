//! Ranges over random histories against the definition.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::hash::BuildHasher;

use fastrand::Rng;

use super::{Graph, Range};
use crate::evidence::{Commit, Listing};
use crate::hashing::{Key, key};
use crate::text::Text;
use crate::verdict::code;

fn commit(n: usize, parents: &[usize]) -> Commit<'static> {
    let who = Text::from("email:ana@bank.example");
    Commit {
        id: id(n),
        parents: parents.iter().map(|p| id(*p)).collect(),
        author: who.clone(),
        committer: who,
        co_authors: Vec::new(),
        on_behalf_of: Vec::new(),
        signature: None,
        tree: None,
        merged_tree: None,
    }
}

fn id(n: usize) -> Text<'static> {
    Text::from(format!("{n:040x}"))
}

/// Commits 0..n, each with up to three earlier parents.
fn history(rng: &mut Rng, n: usize) -> Vec<Vec<usize>> {
    let parents = |rng: &mut Rng, ix: usize| -> BTreeSet<usize> {
        let count = rng.usize(0..=ix.min(3));
        (0..count).map(|_| rng.usize(0..ix)).collect()
    };
    (0..n)
        .map(|ix| parents(rng, ix).into_iter().collect())
        .collect()
}

fn reach(history: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
    let above = history[from].iter().flat_map(|p| reach(history, *p));
    above.chain([from]).collect()
}

#[test]
fn a_range_is_what_head_reaches_and_base_does_not() {
    let mut rng = Rng::with_seed(3);
    for round in 0..2_000 {
        let n = rng.usize(1..=14);
        let history = history(&mut rng, n);
        let (base, head) = (rng.usize(0..n), rng.usize(0..n));
        let behind_base = reach(&history, base);
        let expected: BTreeSet<usize> = &reach(&history, head) - &behind_base;
        // A head that base reaches is itself where the walk stops.
        let parents = expected.iter().flat_map(|c| &history[*c]).chain([&head]);
        let boundary: Vec<Text<'_>> = parents
            .filter(|p| behind_base.contains(p))
            .map(|p| id(*p))
            .collect();
        // Sometimes with all of the history, sometimes with no more than the range.
        let whole = rng.bool();
        let listed = (0..n).filter(|c| whole || expected.contains(c));
        let mut items: Vec<_> = listed.map(|c| commit(c, &history[c])).collect();
        rng.shuffle(&mut items);
        let commits = Listing {
            complete: true,
            items,
        };
        let graph = Graph::build(&commits, &Key::default()).unwrap();
        let (base, head) = (id(base), id(head));
        let range = Range {
            of: "it",
            base: Some(&base),
            head: &head,
            boundary: &boundary,
        };
        let found = graph.range(range).unwrap();
        let found: BTreeSet<&str> = found
            .iter()
            .map(|ix| graph.commit(*ix).unwrap().id.as_str())
            .collect();
        let ids: Vec<_> = expected.iter().map(|c| id(*c)).collect();
        assert_eq!(
            found,
            ids.iter().map(Text::as_str).collect(),
            "round {round}"
        );
    }
}

#[test]
fn a_commit_taken_out_of_a_range_is_noticed() {
    let mut rng = Rng::with_seed(4);
    let mut taken = 0;
    for round in 0..2_000 {
        let n = rng.usize(2..=14);
        let history = history(&mut rng, n);
        let head = id(n - 1);
        let all: BTreeSet<usize> = reach(&history, n - 1);
        let missing = *rng
            .choice(&all.iter().copied().collect::<Vec<_>>())
            .unwrap();
        let kept = all.iter().filter(|c| **c != missing);
        let commits = Listing {
            complete: true,
            items: kept.map(|c| commit(*c, &history[*c])).collect(),
        };
        let graph = Graph::build(&commits, &Key::default()).unwrap();
        let error = graph
            .range(Range {
                of: "it",
                base: None,
                head: &head,
                boundary: &[],
            })
            .unwrap_err();
        assert_eq!(error.code, code::EVIDENCE_INCOMPLETE, "round {round}");
        assert!(
            error.message.contains(id(missing).as_str()),
            "{}",
            error.message
        );
        taken += 1;
    }
    assert_eq!(taken, 2_000);
}

#[test]
fn a_cycle_is_invalid() {
    for cycle in [
        vec![vec![0]],
        vec![vec![1], vec![2], vec![0]],
        vec![vec![], vec![0, 2], vec![1]],
    ] {
        let items = cycle
            .iter()
            .enumerate()
            .map(|(n, parents)| commit(n, parents));
        let commits = Listing {
            complete: true,
            items: items.collect(),
        };
        let error = Graph::build(&commits, &Key::default()).unwrap_err();
        assert_eq!(error.code, code::EVIDENCE_INVALID);
        assert!(
            error.message.contains("its own ancestor"),
            "{}",
            error.message
        );
    }
}

#[test]
fn a_list_of_commits_that_is_cut_off_decides_nothing() {
    let commits = Listing {
        complete: false,
        items: vec![commit(1, &[0])],
    };
    let graph = Graph::build(&commits, &Key::default()).unwrap();
    let (base, head) = (id(0), id(1));
    let range = Range {
        of: "it",
        base: Some(&base),
        head: &head,
        boundary: &[],
    };
    assert_eq!(
        graph.range(range).unwrap_err().code,
        code::EVIDENCE_INCOMPLETE
    );
}

#[test]
fn a_graph_keeps_the_key_that_it_is_given() {
    let commits = Listing {
        complete: true,
        items: Vec::new(),
    };
    let given = key(&[7; 32]);
    let graph = Graph::build(&commits, &given).unwrap();
    let walk = super::Walk::new(&graph);
    for other in [&graph.key(), walk.excluded.hasher()] {
        assert_eq!(other.hash_one("name"), given.hash_one("name"));
    }
    assert_ne!(given.hash_one("name"), Key::default().hash_one("name"));
}
