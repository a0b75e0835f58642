//! What fuel and epochs cost: the figures of docs/decisions/0001-deadline.md.

#![expect(clippy::unwrap_used, reason = "a benchmark, not an interface")]

use std::time::{Duration, Instant};

use wasmtime::{Config, Engine, Instance, Module, Store, TypedFunc};

/// Turns of each loop.
const TURNS: f64 = 1_048_576.0;

/// Next to nothing per turn: the check at the loop's head has nothing to hide behind.
const TIGHT: &str = r#"(module (func (export "run") (result i32) (local $i i32) (local $sum i32)
    (loop $next
        (local.set $sum (i32.xor (local.get $sum) (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (i32.const 1048576))))
    (local.get $sum)))"#;

/// What a parser does: a call per byte, a load, a jump by class of character, counters in memory.
const PARSE: &str = r#"(module (memory 33)
    (func $class (param $byte i32) (result i32)
        (if (i32.eq (local.get $byte) (i32.const 34)) (then (return (i32.const 0))))
        (if (i32.eq (i32.or (local.get $byte) (i32.const 32)) (i32.const 123)) (then (return (i32.const 1))))
        (if (i32.eq (i32.or (local.get $byte) (i32.const 32)) (i32.const 125)) (then (return (i32.const 2))))
        (if (i32.le_u (local.get $byte) (i32.const 32)) (then (return (i32.const 3))))
        (i32.const 4))
    (func $count (param $class i32) (param $at i32)
        (local.set $class (i32.shl (local.get $class) (i32.const 2)))
        (i32.store (local.get $class) (i32.add (i32.load (local.get $class)) (local.get $at))))
    (func (export "fill") (local $i i32)
        (loop $next
            (i32.store8 offset=65536 (local.get $i) (i32.and (i32.mul (local.get $i) (i32.const 2654435761)) (i32.const 127)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 1048576)))))
    (func (export "run") (result i32) (local $i i32) (local $depth i32) (local $class i32)
        (loop $next
            (local.set $class (call $class (i32.load8_u offset=65536 (local.get $i))))
            (block $rest (block $space (block $close (block $open (block $quote
                (br_table $quote $open $close $space $rest (local.get $class)))
                (br $rest))
                (local.set $depth (i32.add (local.get $depth) (i32.const 1))) (br $rest))
                (local.set $depth (i32.sub (local.get $depth) (i32.const 1))) (br $rest))
                (nop))
            (call $count (local.get $class) (local.get $depth))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 1048576))))
        (i32.load (i32.const 16))))"#;

/// The slowest that a unit of fuel can be: each load waits for the one before, and misses every cache.
const CHASE: &str = r#"(module (memory 1024)
    (func (export "fill") (local $i i32)
        (loop $next
            (i32.store
                (i32.shl (local.get $i) (i32.const 2))
                (i32.and (i32.const 0x03fffffc) (i32.shl (i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223)) (i32.const 2))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 0x01000000)))))
    (func (export "run") (result i32) (local $i i32) (local $at i32)
        (loop $next
            (local.set $at (i32.load (local.get $at)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 1048576))))
        (local.get $at)))"#;

fn prepare(config: &Config, text: &str) -> (Store<()>, TypedFunc<(), i32>) {
    let engine = Engine::new(config).unwrap();
    let module = Module::from_binary(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    if engine.get_consume_fuel() {
        store.set_fuel(u64::MAX).unwrap();
    }
    if engine.get_epoch_interruption() {
        store.set_epoch_deadline(u64::MAX / 2);
    }
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    if let Ok(fill) = instance.get_typed_func::<(), ()>(&mut store, "fill") {
        fill.call(&mut store, ()).unwrap();
    }
    let run = instance.get_typed_func(&mut store, "run").unwrap();
    (store, run)
}

/// The shortest of many runs: what the load costs when nothing else has the processor.
fn shortest(store: &mut Store<()>, run: &TypedFunc<(), i32>) -> Duration {
    let time = |store: &mut Store<()>| {
        let start = Instant::now();
        run.call(store, ()).unwrap();
        start.elapsed()
    };
    (0..200).map(|_| time(store)).min().unwrap_or_default()
}

fn main() {
    for (load, text) in [("tight loop", TIGHT), ("parsing", PARSE), ("chase", CHASE)] {
        for (name, fuel, epochs) in [
            ("none", false, false),
            ("fuel", true, false),
            ("epochs", false, true),
        ] {
            let mut config = Config::new();
            config
                .consume_fuel(fuel)
                .epoch_interruption(epochs)
                .concurrency_support(false);
            let (mut store, run) = prepare(&config, text);
            let before = store.get_fuel().unwrap_or_default();
            run.call(&mut store, ()).unwrap();
            let units = before - store.get_fuel().unwrap_or_default();
            let nanoseconds = shortest(&mut store, &run).as_nanos();
            println!(
                "{load:<12}{name:<8}{:>8.3} ns a turn {units:>12} units",
                nanoseconds as f64 / TURNS
            );
        }
    }
}
