//! Evidence with one more approval in it.

use serde_json::{Value, json};
use sod_core::EntityUid;

/// Time enough to read what is approved.
const AN_HOUR: u32 = 3600;

/// The evidence as it would be if `person` approved `resource` as it is now. `None` if it is not there.
pub(super) fn signed(evidence: &Value, resource: &EntityUid, person: &str) -> Option<Value> {
    let mut evidence = evidence.clone();
    let account = account(&mut evidence, person)?;
    let (list, fields) = match resource.type_name.as_str() {
        "Change" => ("changes", ["repository", "target", "head"].as_slice()),
        "Deployment" => ("deployments", ["artifact", "environment"].as_slice()),
        _ => return None,
    };
    let mut entries = evidence.get_mut(list)?.as_array_mut()?.iter_mut();
    let entry = entries.find(|entry| entry.get("id").is_some_and(|id| *id == resource.id))?;
    let mut approval = json!({"account": account, "state": "approved"});
    let members = approval.as_object_mut()?;
    if list == "changes" {
        members.insert("after_seconds".to_owned(), json!(AN_HOUR));
    }
    for field in fields {
        members.insert((*field).to_owned(), entry.get(*field)?.clone());
    }
    let items = entry.pointer_mut("/approvals/items")?;
    items.as_array_mut()?.push(approval);
    Some(evidence)
}

/// An account of the person, or one made up for them.
fn account(evidence: &mut Value, person: &str) -> Option<String> {
    let members = evidence.as_object_mut()?;
    let accounts = members.entry("accounts").or_insert_with(|| json!([]));
    let accounts = accounts.as_array_mut()?;
    let owned = |account: &&Value| account.get("person").is_some_and(|p| p == person);
    if let Some(found) = accounts.iter().find(owned) {
        return Some(found.get("account")?.as_str()?.to_owned());
    }
    let account = format!("account-of:{person}");
    accounts.push(json!({"account": account, "person": person}));
    Some(account)
}
