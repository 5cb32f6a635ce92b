"""Why a decision was taken and what came of it, from its records alone."""
