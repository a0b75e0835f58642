//! The engine asked as it is, without a component being made first.
//!
//! To make a component takes seconds, most of them for compiling code that is the same for every pack. Whoever asks
//! thousands of small sets of policies a few questions each has that code compiled once: a [`Sandbox`]. A bundle is
//! loaded into it as the compiler loads one, the memory is kept, and every request is decided from that memory on, as in
//! a component. What is missing is the seal, so this is for trying policies out.

use sod_core::{Bundle, Effect, EntityUid, Request};
use wasmtime::{Config, Engine, Module, OptLevel};

use super::loading::Loading;
use super::target::Target;
use super::{CompileError, engine_module};

const DECIDE: &str = "sod:policy/authorizer@0.1.0#decide";
/// Bytes in a page of memory.
const PAGE: usize = 65536;

/// The engine as machine code. It holds no policies.
pub struct Sandbox {
    engine: Engine,
    module: Module,
}

/// The memory of an engine that has loaded a bundle.
pub struct Loaded<'s> {
    sandbox: &'s Sandbox,
    memory: Vec<u8>,
    /// The instance of the last request, if it ended well.
    used: Option<Loading>,
}

/// What a verdict says of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Allow or deny.
    pub effect: Effect,
    /// Why; never empty.
    pub reasons: Vec<AnswerReason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerReason {
    /// One of [`sod_core::verdict::code`].
    pub code: String,
    /// The policy, where one is the reason.
    pub policy: Option<String>,
    /// In words.
    pub message: String,
}

/// Why there is no answer. It is a deny.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NoAnswer {
    /// In the engine's words, or the sandbox's.
    pub message: String,
}

impl NoAnswer {
    fn new(error: impl std::fmt::Display) -> Self {
        NoAnswer {
            message: format!("{error:#}"),
        }
    }

    fn malformed() -> Self {
        NoAnswer::new("the engine's answer is malformed")
    }
}

impl Sandbox {
    /// Compiles the engine.
    ///
    /// # Errors
    /// A defect of sod.
    pub fn new() -> Result<Self, CompileError> {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::Speed);
        let engine = Engine::new(&config).map_err(CompileError::engine)?;
        let module = Module::new(&engine, engine_module()).map_err(CompileError::engine)?;
        Ok(Sandbox { engine, module })
    }

    fn instance(&self) -> Result<Loading, CompileError> {
        Loading::new(Target::Component, &self.engine, &self.module)
    }

    /// Loads a bundle.
    ///
    /// # Errors
    /// What the engine does not like about it.
    pub fn load(&self, bundle: &Bundle) -> Result<Loaded<'_>, CompileError> {
        let json = serde_json::to_vec(bundle).map_err(CompileError::engine)?;
        let mut loading = self.instance()?;
        loading.run(Target::Component, &json)?;
        let memory = loading.memory()?.data(&loading.store).to_vec();
        Ok(Loaded {
            sandbox: self,
            memory,
            used: Some(loading),
        })
    }
}

impl Loaded<'_> {
    /// Decides a request in an instance that has decided nothing before.
    ///
    /// # Errors
    /// The engine's fault, or a crash.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        let mut asking = Asking(self.fresh().map_err(NoAnswer::new)?);
        let request = asking.lower(request)?;
        let decide = asking.0.function::<u32, u32>(DECIDE);
        let at = decide
            .map_err(NoAnswer::new)?
            .call(&mut asking.0.store, request);
        let answer = asking.lift(at.map_err(NoAnswer::new)? as usize);
        self.used = Some(asking.0);
        answer
    }

    /// A used instance is as a fresh one if its memory is: the engine has no other state between two calls.
    fn fresh(&mut self) -> Result<Loading, CompileError> {
        let used = self.used.take();
        let mut instance = match used {
            Some(instance) => instance,
            None => self.sandbox.instance()?,
        };
        let mut memory = instance.memory()?;
        if memory.data_size(&instance.store) > self.memory.len() {
            instance = self.sandbox.instance()?;
            memory = instance.memory()?;
        }
        let more = self.memory.len() - memory.data_size(&instance.store);
        memory
            .grow(&mut instance.store, (more / PAGE) as u64)
            .map_err(CompileError::engine)?;
        memory
            .write(&mut instance.store, 0, &self.memory)
            .map_err(CompileError::engine)?;
        Ok(instance)
    }
}

/// One request through the contract's canonical ABI, laid out by hand.
struct Asking(Loading);

/// Size of the record `request`, and its alignment.
const REQUEST: (usize, u32) = (104, 8);
/// Offsets in it.
const NOW: usize = 48;
const EVIDENCE: usize = 64;
const ENTITIES: usize = 76;
const CONTEXT: usize = 88;
/// Size of the record `reason`.
const REASON: usize = 36;

impl Asking {
    fn lower(&mut self, request: &Request) -> Result<u32, NoAnswer> {
        let mut record = Record([0; REQUEST.0]);
        let uids = [&request.principal, &request.action, &request.resource];
        for (n, uid) in uids.into_iter().enumerate() {
            let EntityUid { type_name, id } = uid;
            record.put(n * 16, &self.text(type_name)?);
            record.put(n * 16 + 8, &self.text(id)?);
        }
        if let Some(now) = request.now {
            record.put(NOW, &[1]);
            record.put(NOW + 8, &now.to_le_bytes());
        }
        let texts = [
            (EVIDENCE, &request.evidence),
            (ENTITIES, &request.entities),
            (CONTEXT, &request.context),
        ];
        for (at, text) in texts {
            if let Some(text) = text {
                record.put(at, &[1]);
                record.put(at + 4, &self.text(text)?);
            }
        }
        self.write(&record.0, REQUEST.1)
    }

    /// Where a text is, and how long it is.
    fn text(&mut self, text: &str) -> Result<[u8; 8], NoAnswer> {
        let at = u64::from(self.write(text.as_bytes(), 1)?);
        Ok((at | (text.len() as u64) << 32).to_le_bytes())
    }

    fn write(&mut self, bytes: &[u8], align: u32) -> Result<u32, NoAnswer> {
        let size = u32::try_from(bytes.len()).map_err(NoAnswer::new)?;
        let allocate = self
            .0
            .function::<(u32, u32, u32, u32), u32>("cabi_realloc")
            .map_err(NoAnswer::new)?;
        let at = allocate.call(&mut self.0.store, (0, 0, align, size));
        let at = at.map_err(NoAnswer::new)?;
        let memory = self.0.memory().map_err(NoAnswer::new)?;
        memory
            .write(&mut self.0.store, at as usize, bytes)
            .map_err(NoAnswer::new)?;
        Ok(at)
    }

    fn lift(&mut self, at: usize) -> Result<Answer, NoAnswer> {
        let memory = self.0.memory().map_err(NoAnswer::new)?;
        let memory = Memory(memory.data(&self.0.store));
        if memory.byte(at)? != 0 {
            return Err(NoAnswer::new(memory.text(at + 8)?));
        }
        let effect = match memory.byte(at + 4)? {
            0 => Effect::Allow,
            _ => Effect::Deny,
        };
        let (reasons, count) = (memory.word(at + 8)?, memory.word(at + 12)?);
        let reasons = (0..count).map(|n| memory.reason(reasons + n * REASON));
        Ok(Answer {
            effect,
            reasons: reasons.collect::<Result<_, _>>()?,
        })
    }
}

struct Record([u8; REQUEST.0]);

impl Record {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        let place = self
            .0
            .get_mut(at..)
            .and_then(|rest| rest.get_mut(..bytes.len()));
        if let Some(place) = place {
            place.copy_from_slice(bytes);
        }
    }
}

struct Memory<'m>(&'m [u8]);

impl Memory<'_> {
    fn slice(&self, at: usize, length: usize) -> Result<&[u8], NoAnswer> {
        let slice = self.0.get(at..).and_then(|rest| rest.get(..length));
        slice.ok_or_else(NoAnswer::malformed)
    }

    fn byte(&self, at: usize) -> Result<u8, NoAnswer> {
        self.0.get(at).copied().ok_or_else(NoAnswer::malformed)
    }

    fn word(&self, at: usize) -> Result<usize, NoAnswer> {
        let bytes: [u8; 4] = self.slice(at, 4)?.try_into().map_err(NoAnswer::new)?;
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    fn text(&self, at: usize) -> Result<String, NoAnswer> {
        let bytes = self.slice(self.word(at)?, self.word(at + 4)?)?;
        String::from_utf8(bytes.to_vec()).map_err(NoAnswer::new)
    }

    fn reason(&self, at: usize) -> Result<AnswerReason, NoAnswer> {
        Ok(AnswerReason {
            code: self.text(at)?,
            policy: match self.byte(at + 8)? {
                0 => None,
                _ => Some(self.text(at + 12)?),
            },
            message: self.text(at + 20)?,
        })
    }
}
