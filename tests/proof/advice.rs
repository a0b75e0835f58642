//! The advice of a denial is good, and nothing that makes matters worse makes them better.

use fastrand::Rng;
use serde_json::{Value, json};
use sod_core::Program;
use sod_pack::cases;

use crate::engines::{Core, Engine, open, tested_packs};

/// A shipped pack with the requests of its cases.
struct Shipped {
    name: String,
    core: Core,
    requests: Vec<Value>,
}

fn shipped() -> Vec<Shipped> {
    let mut shipped = Vec::new();
    for folder in tested_packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        for (chosen, cases) in cases::by_choice(&pack, &cases) {
            shipped.push(Shipped {
                name: pack.name().to_owned(),
                requests: cases.iter().map(|case| case.request.clone()).collect(),
                core: Core(Program::load(chosen.bundle()).unwrap()),
            });
        }
    }
    shipped
}

/// The verdict, or `None` where there is none.
fn decide(core: &Core, request: &Value) -> Option<Value> {
    let verdict = core.decide(&serde_json::to_vec(request).unwrap()).ok()?;
    Some(serde_json::from_str(&verdict).unwrap())
}

fn allows(core: &Core, request: &Value) -> bool {
    decide(core, request).is_some_and(|verdict| verdict["effect"] == "allow")
}

fn items<'v>(value: &'v mut Value, at: &str) -> Option<&'v mut Vec<Value>> {
    value.pointer_mut(at)?.as_array_mut()
}

/// Pointers to every list of approvals.
fn approval_lists(request: &Value) -> Vec<String> {
    let mut lists = Vec::new();
    for kind in ["changes", "deployments"] {
        let count = request["evidence"][kind].as_array().map_or(0, Vec::len);
        lists.extend((0..count).map(|n| format!("/evidence/{kind}/{n}/approvals/items")));
    }
    lists
}

/// An account of the person, or one made for them.
fn account(request: &mut Value, person: &str) -> String {
    let accounts = items(request, "/evidence/accounts").unwrap();
    let found = accounts.iter().find(|account| account["person"] == person);
    if let Some(found) = found {
        return found["account"].as_str().unwrap().to_owned();
    }
    let account = format!("made:{person}");
    accounts.push(json!({ "account": account, "person": person }));
    account
}

/// `person` signs what is missing a signature, on its present content.
pub(crate) fn sign(request: &mut Value, resource: &Value, person: &str) {
    let account = account(request, person);
    let (list, of) = match resource["type"].as_str().unwrap() {
        "Change" => ("changes", ["repository", "target", "head"].as_slice()),
        _ => ("deployments", ["artifact", "environment"].as_slice()),
    };
    let entries = items(request, &format!("/evidence/{list}")).unwrap();
    let entry = entries
        .iter_mut()
        .find(|entry| entry["id"] == resource["id"]);
    let entry = entry.unwrap();
    let mut approval = json!({ "account": account, "state": "approved" });
    if resource["type"] == "Change" {
        // Time enough to read it.
        approval["after_seconds"] = json!(3600);
    }
    for field in of {
        approval[*field] = entry[*field].clone();
    }
    items(entry, "/approvals/items").unwrap().push(approval);
}

/// Gives and takes roles at random.
fn shuffle_roles(rng: &mut Rng, request: &mut Value) {
    let roles: Vec<Value> = {
        let people = request["evidence"]["people"].as_array().unwrap();
        let all = people
            .iter()
            .filter_map(|p| p["roles"].as_array())
            .flatten();
        all.cloned().collect()
    };
    for person in items(request, "/evidence/people").unwrap() {
        if rng.u8(0..3) == 0 && !roles.is_empty() {
            let count = rng.usize(0..=3);
            let mut given: Vec<Value> = (0..count)
                .map(|_| rng.choice(&roles).unwrap().clone())
                .collect();
            given.dedup();
            person["roles"] = Value::Array(given);
        }
    }
}

/// Only signatures stand in the way.
fn waits_for_signatures(verdict: &Value) -> bool {
    let reasons = verdict["reasons"].as_array().unwrap();
    verdict["effect"] == "deny"
        && reasons
            .iter()
            .all(|reason| reason["code"] == "quorum-unmet")
}

#[test]
fn whoever_follows_the_advice_gets_the_allow() {
    let mut rng = Rng::with_seed(11);
    let (mut followed, mut stuck) = (0, 0);
    for Shipped {
        name,
        core,
        requests,
    } in shipped()
    {
        for request in &requests {
            if request["evidence"]["accounts"].is_null() || request["evidence"]["people"].is_null()
            {
                continue;
            }
            for _ in 0..4 {
                let mut request = request.clone();
                shuffle_roles(&mut rng, &mut request);
                for list in approval_lists(&request) {
                    items(&mut request, &list).into_iter().for_each(Vec::clear);
                }
                let Some(mut verdict) = decide(&core, &request) else {
                    continue;
                };
                if !waits_for_signatures(&verdict) {
                    continue;
                }
                // Each round fills one place, and no pack has so many.
                for _ in 0..40 {
                    let missing = verdict["missing"].as_array().unwrap().clone();
                    let open = missing
                        .iter()
                        .find(|m| !m["candidates"].as_array().unwrap().is_empty());
                    let Some(open) = open else { break };
                    let candidates = open["candidates"].as_array().unwrap();
                    let person = rng.choice(candidates).unwrap().as_str().unwrap();
                    sign(&mut request, &open["resource"], person);
                    verdict = decide(&core, &request).unwrap();
                }
                if verdict["effect"] == "allow" {
                    followed += 1;
                    continue;
                }
                stuck += 1;
                let missing = verdict["missing"].as_array().unwrap();
                let nobody_left = missing
                    .iter()
                    .any(|m| m["candidates"].as_array().unwrap().is_empty());
                assert!(
                    waits_for_signatures(&verdict) && nobody_left,
                    "{name}: everybody who was asked signed, and yet: {verdict:#}\n{request}"
                );
            }
        }
    }
    assert!(
        followed > 100,
        "{followed} followed, {stuck} with nobody left to ask"
    );
}

/// Whether the account is one of the person who asks. Whoever signed does not carry out, so that without their own
/// signature they may: of theirs none is taken away.
fn is_own(request: &Value, account: &Value) -> bool {
    let person = |account: &str| {
        let accounts = request["evidence"]["accounts"].as_array();
        let mut found = accounts
            .into_iter()
            .flatten()
            .filter(|a| a["account"] == account);
        found.next().and_then(|account| account["person"].as_str())
    };
    let principal = request["principal"].as_str().unwrap_or_default();
    let (kind, id) = principal.split_once("::").unwrap_or_default();
    let id = id.trim_matches('"');
    let asks = if kind == "Account" {
        person(id)
    } else {
        Some(id)
    };
    asks.is_none() || asks == account.as_str().and_then(person)
}

/// Something that makes matters worse, if there is anything to do it to.
fn worsen(rng: &mut Rng, request: &mut Value) -> Option<&'static str> {
    let people: Vec<String> = {
        let people = request["evidence"]["people"].as_array()?;
        people
            .iter()
            .filter_map(|p| Some(p["id"].as_str()?.to_owned()))
            .collect()
    };
    let person = rng.choice(&people)?.clone();
    let lists = approval_lists(request);
    let list = rng.choice(&lists).cloned();
    match rng.u8(0..6) {
        0 => {
            let account = account(request, &person);
            let commits = items(request, "/evidence/commits/items")?;
            let commit = rng.choice(commits)?;
            let mut with = commit["co_authors"].as_array().cloned().unwrap_or_default();
            with.push(json!(account));
            commit["co_authors"] = Value::Array(with);
            Some("one more contributor")
        }
        1 => {
            let account = account(request, &person);
            let changes = items(request, "/evidence/changes")?;
            let change = rng.choice(changes)?;
            let head = change["head"].clone();
            items(change, "/pushes/items")?.insert(0, json!({ "account": account, "head": head }));
            Some("one more pusher, a contributor")
        }
        way => {
            let list = list?;
            let count = items(request, &list)?.len();
            let at = rng.usize(..count.max(1));
            let mut approval = items(request, &list)?.get(at)?.clone();
            if way == 5 {
                approval["account"] = json!(account(request, &person));
            }
            if approval["state"] != "approved" || is_own(request, &approval["account"]) {
                return None;
            }
            let approvals = items(request, &list)?;
            match way {
                2 => drop(approvals.remove(at)),
                3 => approvals.get_mut(at)?["expires_at"] = json!("2000-01-01T00:00:00Z"),
                _ => {
                    approval["state"] = json!("changes-requested");
                    approvals.push(approval);
                }
            }
            Some("an approval that is gone, or a veto")
        }
    }
}

#[test]
fn what_makes_matters_worse_never_makes_them_better() {
    let mut rng = Rng::with_seed(13);
    let (mut denied, mut turned) = (0, 0);
    for Shipped {
        name,
        core,
        requests,
    } in shipped()
    {
        for request in requests.iter().filter(|r| r["evidence"].is_object()) {
            let Some(verdict) = decide(&core, request) else {
                continue;
            };
            // Evidence that no rule was asked about may be mended by taking its broken part away.
            if verdict["reasons"][0]["code"]
                .as_str()
                .unwrap()
                .starts_with("evidence-")
            {
                continue;
            }
            let before = verdict["effect"] == "allow";
            for _ in 0..6 {
                let mut request = request.clone();
                let done: Vec<_> = (0..rng.usize(1..=2))
                    .filter_map(|_| worsen(&mut rng, &mut request))
                    .collect();
                if done.is_empty() {
                    continue;
                }
                let after = allows(&core, &request);
                assert!(
                    before || !after,
                    "{name}: {done:?} turned a deny into an allow: {request}"
                );
                denied += usize::from(!before);
                turned += usize::from(before && !after);
            }
        }
    }
    assert!(
        denied > 500 && turned > 100,
        "{denied} stayed denied, {turned} turned"
    );
}
