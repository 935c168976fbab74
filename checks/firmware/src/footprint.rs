//! What the image takes: statics and flash by the linker's symbols, stack by paint.

use crate::station::Station;
use cortex_m_semihosting::hprintln;

/// Bytes of statics of one node with 64 members: tables, the state and values that they keep, the node's own, outbox and receive buffer.
const MAX_STATICS: usize = if SEALED { 31 } else { 29 } * 1_024;
/// Bytes of stack, those of `main` and of telling the story included.
const MAX_STACK: usize = 4 * 1_024 + if SEALED { 1_280 } else { 512 };
/// Bytes of flash of the whole image: the core, the story and its words, and what statics of three nodes begin as.
const MAX_FLASH: usize = if SEALED { 288 } else { 264 } * 1_024;

const SEALED: bool = cfg!(feature = "sealed");

/// What `cortex-m-rt` fills the stack with before `main`.
const PAINT: u32 = 0xCCCC_CCCC;

// The linker's symbols, of which only the addresses mean anything.
unsafe extern "C" {
    static _stack_start: u32;
    static _stack_end: u32;
    static __sdata: u32;
    static __edata: u32;
    static __sidata: u32;
}

fn address(symbol: *const u32) -> usize {
    symbol as usize
}

/// The deepest that the stack has been, in bytes.
fn stack() -> usize {
    let (top, end) = (&raw const _stack_start, &raw const _stack_end);
    let words = (address(top) - address(end)) / size_of::<u32>();
    // SAFETY: the linker script reserves the words from `_stack_end` to `_stack_start` for the stack, and the start-up
    // code has written all of them. Volatile, since those above the stack pointer are in use as locals meanwhile.
    let painted = (0..words).take_while(|&word| unsafe { end.add(word).read_volatile() } == PAINT).count();
    (words - painted) * size_of::<u32>()
}

/// Code and constants, and what statics are initialised with: flash begins at zero, and the latter is its last part.
fn flash() -> usize {
    address(&raw const __sidata) + address(&raw const __edata) - address(&raw const __sdata)
}

/// Prints what was taken; whether it is within bounds.
pub fn report() -> bool {
    let [tables, node, outbox, received] = Station::PARTS;
    let (statics, stack, flash) = (Station::STATICS, stack(), flash());
    hprintln!("-- What it takes, in bytes:");
    hprintln!("   statics {} of {} a node", statics, MAX_STATICS);
    hprintln!("           tables {}, node {}, outbox {}, receive buffer {}", tables, node, outbox, received);
    hprintln!("   stack   {} of {}", stack, MAX_STACK);
    hprintln!("   flash   {} of {}", flash, MAX_FLASH);
    statics <= MAX_STATICS && stack <= MAX_STACK && flash <= MAX_FLASH
}
