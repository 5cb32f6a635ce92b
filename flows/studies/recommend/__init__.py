"""How good recommendations would have been: each is made before what came next is learned."""
