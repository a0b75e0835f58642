//! docs/modules.md, sentence by sentence.

use serde_json::{Value, json};
use sod_host::Request;
use sod_pack::Target;
use wasmtime::OptLevel;

use super::core::{CoreModule, Running, verdict};
use crate::engines::{Engine as _, compile, open, runtime};

fn module(level: OptLevel) -> CoreModule {
    let pack = open(&sod_tests::root().join("policies/two-person-change"));
    CoreModule::new(super::engine(level), &super::compile(&pack, Target::Core))
}

/// A request of that pack.
fn request() -> Value {
    let folder = sod_tests::root().join("policies/two-person-change");
    let pack = open(&folder);
    let cases = sod_pack::cases::read(&pack).unwrap();
    let case = cases
        .iter()
        .find(|case| case.name.contains("allow"))
        .unwrap();
    serde_json::to_value(&case.request).unwrap()
}

#[test]
fn it_takes_and_refuses_what_the_hosts_reader_takes_and_refuses() {
    let module = module(OptLevel::None);
    let mut running = module.start();
    for text in texts() {
        let read = Request::from_json(text.as_bytes());
        let said = verdict(&running.decide(text.as_bytes()));
        match read {
            Err(error) => assert_eq!(said, Err(error.to_string()), "{text}"),
            // Whatever comes of it, it was read.
            Ok(_) => {
                let misread = said.is_err_and(|message| message.starts_with("line "));
                assert!(!misread, "{text}");
            }
        }
    }
}

/// Requests that are right, wrong, and nearly right.
fn texts() -> Vec<String> {
    let right = json!({
        "principal": "Person::\"ana\"", "action": "merge", "resource": {"type": "Change", "id": "1"},
        "now": "2026-01-31T12:00:00Z", "evidence": {"people": []}, "entities": [], "context": {},
    });
    let mut texts = vec![
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{".to_owned(),
        r#"["Person::\"a\"","merge","Change::\"1\""]"#.to_owned(),
        right.to_string(),
        format!(" \n{right}\n "),
        format!("{right} x"),
        right.to_string().replace("\"now\"", "\"later\""),
        right.to_string().replacen('{', "{\"now\":null,", 1),
        right.to_string().replacen('{', "{\"evidence\":{},", 1),
        right.to_string().replace("people", "peo\u{7}ple"),
        format!("{}{}", "[".repeat(300), "]".repeat(300)),
    ];
    let uids = [
        json!("Person::\"ana\""),
        json!("ana"),
        json!("a-b_c"),
        json!(""),
        json!("Person::\"a"),
        json!("Person::\"a\"b\""),
        json!("Person::\"\\u{41}\\x41\\n\""),
        json!("Person::\"\\u{d800}\""),
        json!("Bank::Person::\"é\""),
        json!("1P::\"a\""),
        json!(7),
        json!(null),
        json!(["Person", "ana"]),
        json!({"type": "Person", "id": "ana"}),
        json!({"type": "Person"}),
        json!({"id": "ana"}),
        json!({"type": "Person", "id": "ana", "name": "Ana"}),
        json!({"type": 1, "id": "ana"}),
    ];
    for key in ["principal", "action", "resource"] {
        for uid in &uids {
            let mut request = right.clone();
            request[key] = uid.clone();
            texts.push(request.to_string());
        }
        let twice = format!("{{\"{key}\":\"Action::\\\"x\\\"\",");
        texts.push(right.to_string().replacen('{', &twice, 1));
        let mut request = right.clone();
        request.as_object_mut().unwrap().remove(key);
        texts.push(request.to_string());
    }
    texts.push(
        right
            .to_string()
            .replace("{\"id\":\"1\",", "{\"id\":\"1\",\"id\":\"2\","),
    );
    for now in [
        json!(null),
        json!(0),
        json!("2026-01-31T12:00:00+02:00"),
        json!("2026-01-31T12:00:60Z"),
        json!("2026-02-30T12:00:00Z"),
        json!("2026-01-31"),
        json!("2026-01-31 12:00:00Z"),
        json!(""),
    ] {
        let mut request = right.clone();
        request["now"] = now;
        texts.push(request.to_string());
    }
    for key in ["evidence", "entities", "context"] {
        for value in [
            json!(null),
            json!("x"),
            json!([1]),
            json!({"a": {"b": [1.50]}}),
        ] {
            let mut request = right.clone();
            request[key] = value;
            texts.push(request.to_string());
        }
    }
    // Cut off and changed anywhere.
    let whole = right.to_string();
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..200 {
        let mut text: Vec<char> = whole.chars().collect();
        let at = rng.usize(..text.len());
        match rng.u8(..3) {
            0 => text.truncate(at),
            1 => drop(text.remove(at)),
            _ => text.insert(
                at,
                *rng.choice(&['"', '{', '}', ',', ':', '\\', 'x', '\u{0}'])
                    .unwrap(),
            ),
        }
        texts.push(text.into_iter().collect());
    }
    texts
}

#[test]
fn an_instance_that_is_used_again_decides_the_same_and_does_not_grow() {
    let module = module(OptLevel::Speed);
    let right = request();
    let mut other = right.clone();
    other["principal"] = json!("Person::\"nobody\"");
    let mut wrong = right.clone();
    wrong["evidence"]["people"] = json!(7);
    let requests = [right, other, wrong, json!({})].map(|request| request.to_string());
    let fresh: Vec<_> = requests
        .iter()
        .map(|request| module.decide(request.as_bytes()))
        .collect();
    assert!(fresh[..3].iter().all(Result::is_ok) && fresh[3].is_err());
    assert!(fresh[0] != fresh[1] && fresh[1] != fresh[2]);
    let mut running = module.start();
    let mut size = 0;
    for n in 0..1_000 {
        for (request, fresh) in requests.iter().zip(&fresh) {
            assert_eq!(&verdict(&running.decide(request.as_bytes())), fresh);
        }
        if n == 50 {
            size = running.memory.data_size(&running.store);
        }
    }
    assert_eq!(running.memory.data_size(&running.store), size);
}

#[test]
fn what_it_did_not_hand_out_it_does_not_look_at() {
    let module = module(OptLevel::None);
    let request = request().to_string();
    let len = u32::try_from(request.len()).unwrap();
    let refused = |running: &mut Running, at: u32, len: u32| {
        let answer = running.decide_at(at, len).unwrap();
        let said = verdict(&answer).unwrap_err();
        assert_eq!(
            said,
            format!("{len} bytes at {at} are no buffer that this module handed out")
        );
    };
    let mut running = module.start();
    let at = running.write(request.as_bytes());
    for (at, len) in [
        (0, 0),
        (0, len),
        (at, len + 1),
        (at, u32::MAX),
        (at + 1, len - 1),
        (at - 1, len),
        (u32::MAX, 1),
        (u32::MAX, u32::MAX),
    ] {
        refused(&mut running, at, len);
    }
    // Less than was asked for is a request that is cut off.
    let said = verdict(&running.decide_at(at, len - 1).unwrap());
    assert!(said.unwrap_err().starts_with("line "));
    // It is still there, and is decided.
    assert!(verdict(&running.decide_at(at, len).unwrap()).is_ok());
    running.free(at);
    refused(&mut running, at, len);
    // Given back twice, or never handed out: nothing happens.
    for at in [at, 0, 1, 1 << 20, u32::MAX] {
        running.free(at);
    }
    assert!(verdict(&running.decide(request.as_bytes())).is_ok());
    // No room is no address.
    assert_eq!(running.alloc(u32::MAX), 0);
    assert_eq!(running.alloc(1 << 30), 0);
    let empty = running.alloc(0);
    assert!(verdict(&running.decide_at(empty, 0).unwrap()).is_err());
}

#[test]
fn it_says_what_it_is_as_the_component_does() {
    let pack = open(&sod_tests::root().join("policies/two-person-change"));
    let component = runtime().load(&compile(&pack)).unwrap();
    let said = module(OptLevel::None).start().describe();
    let expected = serde_json::to_vec(component.describe()).unwrap();
    assert_eq!(
        String::from_utf8(said).unwrap(),
        String::from_utf8(expected).unwrap()
    );
}
