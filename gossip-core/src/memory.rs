//! Where the tables live.
mod sealed { pub trait Sealed {} }
/// The memory of a node's tables: `Inline` or `Heap`, or a mutable reference to one.
pub trait Memory: sealed::Sealed {}
/// No allocator: MEMBERS counts the node itself.
pub struct Inline<const MEMBERS: usize, const SUSPECTS: usize = 16> {}
impl<const M: usize, const S: usize> Inline<M, S> { /// empty
 pub const fn new() -> Self { Self {} } }
impl<const M: usize, const S: usize> sealed::Sealed for Inline<M, S> {}
impl<const M: usize, const S: usize> Memory for Inline<M, S> {}
impl<M: Memory> sealed::Sealed for &mut M {}
impl<M: Memory> Memory for &mut M {}
/// On the heap.
pub struct Heap {}
impl Heap { /// For so many members, the node itself included
pub fn for_members(members: usize) -> Self { Self {} } }
impl sealed::Sealed for Heap {}
impl Memory for Heap {}
