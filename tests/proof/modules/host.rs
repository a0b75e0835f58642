//! Enough of a proxy for its plugins: the host's side of proxy-wasm 0.2.1.

use std::collections::BTreeMap;

use wasmtime::{
    Caller, Engine as Wasm, Extern, Instance, Linker, Memory, Module, Store, TypedFunc,
};

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;

/// What the proxy knows.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) configuration: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) now_nanoseconds: u64,
    pub(crate) properties: BTreeMap<Vec<String>, Vec<u8>>,
    pub(crate) response: Option<Response>,
    pub(crate) logged: Vec<String>,
}

/// What the plugin answered in the upstream's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u32,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It goes to the upstream, with these headers.
    Upstream(Vec<(String, String)>),
    Answered(Response),
    /// It waits for ever.
    Stopped,
}

/// A request of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<Vec<u8>>,
    pub(crate) trailers: bool,
}

/// A plugin that runs.
pub(crate) struct Plugin {
    pub(crate) store: Store<State>,
    pub(crate) memory: Memory,
    instance: Instance,
    next: u32,
}

/// The plugin's own context.
const ROOT: u32 = 1;

impl Plugin {
    pub(crate) fn start(wasm: &Wasm, module: &Module) -> Self {
        let mut linker = Linker::new(wasm);
        imports(&mut linker);
        linker.define_unknown_imports_as_traps(module).unwrap();
        let mut store = Store::new(wasm, State::default());
        let instance = linker.instantiate(&mut store, module).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let mut plugin = Plugin {
            store,
            memory,
            instance,
            next: ROOT + 1,
        };
        plugin.call::<_, ()>("proxy_on_context_create", (ROOT, 0));
        assert_eq!(plugin.call::<_, u32>("proxy_on_vm_start", (ROOT, 0)), 1);
        plugin
    }

    pub(crate) fn configure(&mut self, json: &[u8]) -> bool {
        self.store.data_mut().configuration = json.to_vec();
        let size = u32::try_from(json.len()).unwrap();
        self.call::<_, u32>("proxy_on_configure", (ROOT, size)) == 1
    }

    fn call<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(
        &mut self,
        name: &str,
        parameters: P,
    ) -> R {
        let function: TypedFunc<P, R> =
            self.instance.get_typed_func(&mut self.store, name).unwrap();
        function.call(&mut self.store, parameters).unwrap()
    }

    pub(crate) fn send(&mut self, sent: &Sent) -> Outcome {
        let context = self.next;
        self.next += 1;
        let state = self.store.data_mut();
        state.headers.clone_from(&sent.headers);
        state.body.clear();
        state.response = None;
        self.call::<_, ()>("proxy_on_context_create", (context, ROOT));
        let outcome = self.pass(context, sent);
        assert_eq!(self.call::<_, u32>("proxy_on_done", context), 1);
        self.call::<_, ()>("proxy_on_delete", context);
        outcome
    }

    fn pass(&mut self, context: u32, sent: &Sent) -> Outcome {
        let count = u32::try_from(sent.headers.len()).unwrap();
        let ends = u32::from(sent.body.is_empty() && !sent.trailers);
        let mut action: u32 = self.call("proxy_on_request_headers", (context, count, ends));
        for (n, chunk) in (1..).zip(&sent.body) {
            if self.store.data().response.is_some() {
                break;
            }
            let ends = u32::from(n == sent.body.len() && !sent.trailers);
            let state = self.store.data_mut();
            state.body.extend(chunk);
            let size = u32::try_from(state.body.len()).unwrap();
            action = self.call("proxy_on_request_body", (context, size, ends));
        }
        if sent.trailers && self.store.data().response.is_none() {
            action = self.call("proxy_on_request_trailers", (context, 1));
        }
        let state = self.store.data_mut();
        match (state.response.take(), action) {
            (Some(response), action) => {
                assert_eq!(action, 1, "an answered request must not go on");
                Outcome::Answered(response)
            }
            (None, 0) => Outcome::Upstream(std::mem::take(&mut state.headers)),
            (None, _) => Outcome::Stopped,
        }
    }
}

fn memory(caller: &mut Caller<'_, State>) -> Memory {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    memory.unwrap()
}

fn read(caller: &mut Caller<'_, State>, at: u32, len: u32) -> Vec<u8> {
    let memory = memory(caller);
    memory.data(caller)[at as usize..][..len as usize].to_vec()
}

fn text(caller: &mut Caller<'_, State>, at: u32, len: u32) -> String {
    String::from_utf8(read(caller, at, len)).unwrap()
}

/// Hands bytes to the plugin, in memory that it gives for them.
fn hand(caller: &mut Caller<'_, State>, bytes: &[u8], data: u32, size: u32) -> u32 {
    let malloc = caller.get_export("malloc").and_then(Extern::into_func);
    let malloc = malloc.unwrap().typed::<u32, u32>(&caller).unwrap();
    let len = u32::try_from(bytes.len()).unwrap();
    let at = malloc.call(&mut *caller, len).unwrap();
    let memory = memory(caller);
    memory.write(&mut *caller, at as usize, bytes).unwrap();
    memory
        .write(&mut *caller, data as usize, &at.to_le_bytes())
        .unwrap();
    memory
        .write(&mut *caller, size as usize, &len.to_le_bytes())
        .unwrap();
    OK
}

/// A map as the ABI has it: how many, the lengths, then names and values, each with a zero behind it.
fn pairs(headers: &[(String, String)]) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let mut bytes = number(headers.len()).to_vec();
    for (name, value) in headers {
        bytes.extend(number(name.len()));
        bytes.extend(number(value.len()));
    }
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    bytes
}

fn unpaired(bytes: &[u8]) -> Vec<(String, String)> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let count = number(0);
    let mut at = 4 + 8 * count;
    let mut take = |len: usize| {
        let text = String::from_utf8(bytes[at..at + len].to_vec()).unwrap();
        at += len + 1;
        text
    };
    (0..count)
        .map(|n| (take(number(4 + 8 * n)), take(number(8 + 8 * n))))
        .collect()
}

fn path(bytes: &[u8]) -> Vec<String> {
    let keys = bytes.split(|byte| *byte == 0);
    keys.map(|key| String::from_utf8(key.to_vec()).unwrap())
        .collect()
}

fn imports(linker: &mut Linker<State>) {
    told(linker);
    headers(linker);
    answers(linker);
}

fn told(linker: &mut Linker<State>) {
    let time = |mut caller: Caller<'_, State>, at: u32| {
        let now = caller.data().now_nanoseconds.to_le_bytes();
        let memory = memory(&mut caller);
        memory.write(&mut caller, at as usize, &now).unwrap();
        OK
    };
    let buffer =
        |mut caller: Caller<'_, State>, kind: u32, from: u32, most: u32, at: u32, size: u32| {
            let state = caller.data();
            let bytes = match kind {
                0 => &state.body,
                7 => &state.configuration,
                _ => return NOT_FOUND,
            };
            let from = (from as usize).min(bytes.len());
            let to = from.saturating_add(most as usize).min(bytes.len());
            let bytes = bytes[from..to].to_vec();
            hand(&mut caller, &bytes, at, size)
        };
    let property = |mut caller: Caller<'_, State>, key: u32, len: u32, at: u32, size: u32| {
        let key = path(&read(&mut caller, key, len));
        match caller.data().properties.get(&key).cloned() {
            Some(value) => hand(&mut caller, &value, at, size),
            None => NOT_FOUND,
        }
    };
    linker
        .func_wrap("env", "proxy_get_current_time_nanoseconds", time)
        .unwrap();
    linker
        .func_wrap("env", "proxy_get_buffer_bytes", buffer)
        .unwrap();
    linker
        .func_wrap("env", "proxy_get_property", property)
        .unwrap();
}

fn headers(linker: &mut Linker<State>) {
    let all = |mut caller: Caller<'_, State>, map: u32, at: u32, size: u32| {
        assert_eq!(map, 0);
        let bytes = pairs(&caller.data().headers);
        hand(&mut caller, &bytes, at, size)
    };
    let replace =
        |mut caller: Caller<'_, State>, map: u32, name: u32, len: u32, value: u32, size: u32| {
            assert_eq!(map, 0);
            let name = text(&mut caller, name, len);
            let value = text(&mut caller, value, size);
            let headers = &mut caller.data_mut().headers;
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            headers.push((name, value));
            OK
        };
    let remove = |mut caller: Caller<'_, State>, map: u32, name: u32, len: u32| {
        assert_eq!(map, 0);
        let name = text(&mut caller, name, len);
        let headers = &mut caller.data_mut().headers;
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        OK
    };
    linker
        .func_wrap("env", "proxy_get_header_map_pairs", all)
        .unwrap();
    linker
        .func_wrap("env", "proxy_replace_header_map_value", replace)
        .unwrap();
    linker
        .func_wrap("env", "proxy_remove_header_map_value", remove)
        .unwrap();
}

fn answers(linker: &mut Linker<State>) {
    let respond = |mut caller: Caller<'_, State>,
                   status: u32,
                   _: u32,
                   _: u32,
                   body: u32,
                   body_len: u32,
                   headers: u32,
                   headers_len: u32,
                   _: i32| {
        let body = text(&mut caller, body, body_len);
        let headers = unpaired(&read(&mut caller, headers, headers_len));
        let response = Response {
            status,
            headers,
            body,
        };
        let before = caller.data_mut().response.replace(response);
        assert_eq!(before, None, "answered twice");
        OK
    };
    let set = |mut caller: Caller<'_, State>, key: u32, len: u32, value: u32, size: u32| {
        let key = path(&read(&mut caller, key, len));
        let value = read(&mut caller, value, size);
        caller.data_mut().properties.insert(key, value);
        OK
    };
    let log = |mut caller: Caller<'_, State>, _: u32, at: u32, len: u32| {
        let line = text(&mut caller, at, len);
        caller.data_mut().logged.push(line);
        OK
    };
    linker
        .func_wrap("env", "proxy_send_local_response", respond)
        .unwrap();
    linker.func_wrap("env", "proxy_set_property", set).unwrap();
    linker.func_wrap("env", "proxy_log", log).unwrap();
}
