//! A deployment that ships the change.

use sod_evidence::git::DeploymentOptions;

use crate::sandbox::{Sandbox, collect, ids, refuse, sorted};

const ARTIFACT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn a_deployment_lists_every_commit_it_ships() {
    let s = Sandbox::new();
    let live = s.commit("ana", &[]);
    let unreviewed = s.commit("eve", &[&live]);
    let head = s.commit("bob", &[&unreviewed]);
    let merged = s.commit("ana", &[&unreviewed, &head]);

    let mut options = s.options(&unreviewed, &head);
    let mut deployment = DeploymentOptions::new(ARTIFACT, &merged, "payments-eu", "production");
    deployment.live = Some(live.clone());
    deployment.requester = Some("github:ana".to_owned());
    let signed = format!(
        r#"[{{"account": "github:dora", "state": "approved", "artifact": "{ARTIFACT}", "environment": "payments-eu"}}]"#
    );
    deployment.approvals = Some(s.file("sign-offs.json", signed.as_bytes()));
    options.deployment = Some(deployment);
    let evidence = collect(&options);

    // Eve's commit is in no change, but it is shipped, and each is listed once.
    assert_eq!(
        ids(&evidence.commits.items),
        sorted(vec![unreviewed.clone(), head, merged.clone()])
    );
    let deployment = &evidence.deployments[0];
    assert_eq!(deployment.id, format!("payments-eu@{ARTIFACT}"));
    assert_eq!(deployment.live.as_ref(), Some(&live));
    assert_eq!(deployment.boundary, [live]);
    assert_eq!(deployment.changes.items, [evidence.changes[0].id.clone()]);
    assert_eq!(deployment.approvals.items[0].account, "github:dora");
    assert_eq!(evidence.artifacts[0].revision, merged);
    assert_eq!(evidence.environments[0].tier, "production");
    assert_eq!(evidence.changes[0].boundary, [unreviewed]);
}

#[test]
fn a_first_deployment_ships_all_of_history() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let head = s.commit("bob", &[&root]);
    let mut options = s.options(&root, &head);
    options.deployment = Some(DeploymentOptions::new(ARTIFACT, &head, "eu", "production"));
    let evidence = collect(&options);
    assert_eq!(ids(&evidence.commits.items), sorted(vec![root, head]));
    assert!(evidence.deployments[0].boundary.is_empty());
    assert_eq!(evidence.deployments[0].live, None);
}

#[test]
fn mistakes_name_the_option() {
    let s = Sandbox::new();
    let root = s.commit("ana", &[]);
    let mut options = s.options(&root, &root);
    let mut deployment = DeploymentOptions::new(ARTIFACT, "nowhere", "eu", "production");
    options.deployment = Some(deployment.clone());
    refuse(&options).is("git-revision-absent", &["revision `nowhere`"]);
    deployment.revision = root.clone();
    deployment.live = Some("yesterday".to_owned());
    options.deployment = Some(deployment.clone());
    refuse(&options).is("git-revision-absent", &["live `yesterday`"]);
    deployment.live = None;
    // A sign-off of a deployment is for an artifact, not for a head.
    let review =
        r#"[{"account": "a", "state": "approved", "repository": "r", "target": "t", "head": "h"}]"#;
    deployment.approvals = Some(s.file("sign-offs.json", review.as_bytes()));
    options.deployment = Some(deployment);
    refuse(&options).is("input-malformed", &["unknown field `repository`"]);
}
