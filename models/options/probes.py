"""What each probe of a trained model measures: metrics by name, for each name of a probe. The functions are in
`models.probes`."""

from models.metrics import Metric

PROBE_METRICS: dict[str, dict[str, Metric]] = {
    "monarch_gates": {
        "gate_mean": Metric(
            unit="fraction",
            direction="neither",
            from_learning=True,
            describes="mean of a Monarch transition's gates, over blocks, tokens and layers",
        ),
        "transition_distance": Metric(
            unit="number",
            direction="neither",
            from_learning=True,
            describes="Frobenius distance of the transitions of neighbours that are different tokens, over their norm",
        ),
        "memory_steps": Metric(
            unit="number",
            direction="neither",
            from_learning=True,
            describes="steps after which the bound of the state's norm falls to 1 / e, mean over layers",
        ),
    },
    "transfer": {
        "transfer_error": Metric(
            unit="number",
            direction="lower",
            from_learning=True,
            describes="Frobenius distance of the transfer between chunks to the exact one, over that one's norm",
        ),
        "transfer_floor": Metric(
            unit="number",
            direction="lower",
            from_learning=True,
            describes="the same for the best matrix of the transfer's rank",
        ),
        "transfer_state_error": Metric(
            unit="number",
            direction="lower",
            from_learning=True,
            describes="norm of what the transfer gets wrong on states that enter chunks, over that of what is right",
        ),
        "landmark_condition": Metric(
            unit="number",
            direction="lower",
            from_learning=True,
            describes="condition of the landmarks' matrix P T P^T, median over boundaries, layers and sequences",
        ),
        "transfer_elements": Metric(
            unit="count",
            direction="lower",
            describes="numbers kept to carry a state across one boundary, counted from the tensors",
        ),
    },
    "beta": {
        "beta_above_one": Metric(
            unit="fraction",
            direction="neither",
            from_learning=True,
            describes="share of the delta rule's step sizes above 1, over tokens, heads and layers",
        )
    },
    "transitions": {
        "smallest_eigenvalue": Metric(
            unit="number",
            direction="neither",
            from_learning=True,
            describes="smallest real part of a transition's eigenvalues, mean over tokens, heads and layers",
        ),
        "transition_norm": Metric(
            unit="number",
            direction="neither",
            from_learning=True,
            describes="2-norm of a transition, mean over tokens, heads and layers",
        ),
    },
    "state_norm": {
        "largest_state_norm": Metric(
            unit="number",
            direction="neither",
            from_learning=True,
            describes="largest Frobenius norm of a head's state, over time and test sequences",
        )
    },
    "routing": {
        "routing_hardness": Metric(
            unit="fraction",
            direction="neither",
            from_learning=True,
            describes="largest entry of a column of the softmax behind a map, mean over columns, tokens and heads",
        ),
        "permutation_share": Metric(
            unit="fraction",
            direction="neither",
            from_learning=True,
            describes="share of the maps that are permutations, over tokens and heads",
        ),
        "different_maps": Metric(
            unit="count",
            direction="neither",
            from_learning=True,
            describes="different maps over the test tokens, in the layer that has most",
        ),
    },
    "absorption": {
        "absorption_error": Metric(
            unit="number",
            direction="lower",
            describes="largest difference to the same model with its permutation taken into B and C, over the largest "
            "output",
        )
    },
    "projection": {
        "projection_agreement": Metric(
            unit="fraction",
            direction="higher",
            from_learning=True,
            describes="share of test sequences answered alike by the soft and the projected permutation",
        ),
        "permutation_hardness": Metric(
            unit="fraction",
            direction="neither",
            from_learning=True,
            describes="largest entry of a row of the doubly stochastic matrix, mean over rows",
        ),
    },
    "spectrum": {
        "spectral_radius": Metric(
            unit="number",
            direction="neither",
            describes="largest absolute eigenvalue of one step of the system",
        ),
        "smallest_real_part": Metric(
            unit="number",
            direction="neither",
            describes="smallest real part of the eigenvalues of one step of the system",
        ),
    },
    "oscillation": {
        "frequencies_in_band": Metric(
            unit="fraction",
            direction="higher",
            from_learning=True,
            describes="share of modes whose frequency lies within 0.01 to 0.1 radians a step",
        ),
        "frequency_spread": Metric(
            unit="number",
            direction="neither",
            describes="standard deviation of the modes' frequencies over their mean",
        ),
        "low_rank_over_damping": Metric(
            unit="number",
            direction="neither",
            describes="2-norm of the low-rank term over the smallest damping; below 1 no mode can grow",
        ),
    },
    "blocks": {
        "off_diagonal_energy": Metric(
            unit="fraction",
            direction="higher",
            describes="share of the squared singular values of a state's blocks in the first `rank`, mean over blocks",
        ),
        "off_diagonal_rank": Metric(
            unit="number",
            direction="lower",
            describes="effective rank of a state's blocks beside the diagonal, mean over blocks",
        ),
    },
    "displacement": {
        "truncation_error": Metric(
            unit="number",
            direction="lower",
            from_learning=True,
            describes="distance of the product of a sequence's transitions to the same with each partial product "
            "truncated to rank alpha, over its norm; mean over sequences and layers",
        ),
        "completed_truncation_error": Metric(
            unit="number",
            direction="lower",
            from_learning=True,
            describes="the same with the free diagonal of each numerator filled in",
        ),
        "largest_transition_norm": Metric(
            unit="number",
            direction="neither",
            describes="largest spectral norm of a transition, over tokens and layers",
        ),
        "off_diagonal_share": Metric(
            unit="fraction",
            direction="neither",
            from_learning=True,
            describes="norm of a transition without its diagonal over its norm, mean over tokens and layers",
        ),
    },
    "cauchy_matvec": {
        "matvec_speed": Metric(
            unit="number",
            direction="higher",
            of_hardware=True,
            describes="speed of applying a transition from its generators, with the kernel as a matrix, over that of "
            "applying the transition written out",
        ),
    },
}
