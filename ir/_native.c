/* The inner loops of constraints: the subset construction, the smallest DFA, what tokens do to it, and its masks.

   `subsets.py`, `minimise.py` and `walk.py` (of `passes/regular`) and `automaton.py` say what is computed, and compute the
   same in Python and numpy where this module could not be built. The results are equal, number by number, and so is the
   work that is counted, so that no answer depends on which of the two has run. Arrays come in as buffers, whose entries
   the callers vouch for, and leave as byte arrays. Whatever is allocated belongs to a `Job`, which frees all of it however
   the job ends. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- A job: its memory, and its ends ------------------------------------------------------------------------------ */

typedef enum { DONE, OUT_OF_MEMORY, TOO_MUCH } End;

typedef struct Ints Ints;

typedef struct {
    jmp_buf leave; /* taken with an End */
    Ints *owned;
} Job;

/* Numbers that grow in number. */
struct Ints {
    int32_t *at;
    size_t size, room;
    Job *job;
    Ints *next;
};

static Ints *ints(Job *job) {
    Ints *made = calloc(1, sizeof(Ints));
    if (!made) longjmp(job->leave, OUT_OF_MEMORY);
    made->job = job;
    made->next = job->owned;
    job->owned = made;
    return made;
}

static void reserve(Ints *numbers, size_t more) {
    if (numbers->size + more <= numbers->room) return;
    size_t room = 2 * numbers->size + more + 16;
    int32_t *at = realloc(numbers->at, room * sizeof(int32_t));
    if (!at) longjmp(numbers->job->leave, OUT_OF_MEMORY);
    numbers->at = at;
    numbers->room = room;
}

static void push(Ints *numbers, int32_t number) {
    reserve(numbers, 1);
    numbers->at[numbers->size++] = number;
}

static void push_all(Ints *numbers, const int32_t *more, size_t count) {
    reserve(numbers, count);
    if (count) memcpy(numbers->at + numbers->size, more, count * sizeof(int32_t));
    numbers->size += count;
}

static void fill(Ints *numbers, size_t size, int32_t number) {
    numbers->size = 0;
    reserve(numbers, size);
    for (size_t i = 0; i < size; i++) numbers->at[i] = number;
    numbers->size = size;
}

static Ints *filled(Job *job, size_t size, int32_t number) {
    Ints *made = ints(job);
    fill(made, size, number);
    return made;
}

/* Room for so many numbers, which are not set. */
static int32_t *unset(Job *job, size_t size) {
    Ints *made = ints(job);
    reserve(made, size);
    return made->at;
}

static void free_all(Job *job) {
    for (Ints *next, *one = job->owned; one; one = next) {
        next = one->next;
        free(one->at);
        free(one);
    }
}

/* ---- Sequences by their numbers ----------------------------------------------------------------------------------- */

/* Sequences of numbers, each kept once, one after another in `items`: sequence n is starts[n] .. starts[n + 1] - 1. */
typedef struct {
    Ints *items, *starts, *slots; /* slots: a hash table of numbers of sequences, -1 where it is free */
    Ints *weights;                /* of the places of a sequence, as far as they have been asked for */
} Table;

static Table table(Job *job) {
    Table made = {ints(job), ints(job), filled(job, 64, -1), ints(job)};
    push(made.starts, 0);
    return made;
}

static size_t count_of(const Table *known) { return known->starts->size - 1; }

static const int32_t *items_of(const Table *known, int32_t number) {
    return known->items->at + known->starts->at[number];
}

static size_t length_of(const Table *known, int32_t number) {
    return (size_t)(known->starts->at[number + 1] - known->starts->at[number]);
}

static uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* A sum of products with random odd weights, one for each place (multilinear hashing: Lemire and Kaser, 2014): in 32 bits,
   so that compilers do several at once. */
static uint64_t hash(const Table *known, const int32_t *items, size_t length) {
    while (known->weights->size < length) push(known->weights, (int32_t)(mixed(known->weights->size + 1) >> 32) | 1);
    const int32_t *weights = known->weights->at;
    uint64_t sum = length;
    for (size_t i = 0; i < length; i++) sum += (uint64_t)(uint32_t)items[i] * (uint32_t)weights[i];
    return mixed(sum);
}

/* The slot of a sequence, or the free one where it belongs. */
static int32_t *slot_of(const Table *known, const int32_t *items, size_t length) {
    size_t mask = known->slots->size - 1;
    for (size_t i = hash(known, items, length) & mask;; i = (i + 1) & mask) {
        int32_t number = known->slots->at[i];
        if (number < 0) return known->slots->at + i;
        if (length_of(known, number) != length) continue;
        if (!memcmp(items_of(known, number), items, length * sizeof(int32_t))) return known->slots->at + i;
    }
}

/* The number of a sequence, which gets the next one where it is new. The items must not be the table's own. */
static int32_t number_of(Table *known, const int32_t *items, size_t length) {
    int32_t *slot = slot_of(known, items, length), number = (int32_t)count_of(known);
    if (*slot >= 0) return *slot;
    if (known->items->size + length > INT32_MAX) longjmp(known->items->job->leave, TOO_MUCH);
    *slot = number;
    push_all(known->items, items, length);
    push(known->starts, (int32_t)known->items->size);
    if (2 * count_of(known) > known->slots->size) {
        fill(known->slots, 4 * known->slots->size, -1);
        for (int32_t n = 0; n <= number; n++) *slot_of(known, items_of(known, n), length_of(known, n)) = n;
    }
    return number;
}

static int ascending(const void *one, const void *two) {
    int32_t a = *(const int32_t *)one, b = *(const int32_t *)two;
    return (a > b) - (a < b);
}

/* ---- The subset construction (subsets.py) ------------------------------------------------------------------------- */

enum { ACCEPT = -1, NO_STATE = -2 };

typedef struct {
    Job *job;
    /* The moves of each NFA state without a character: free_to[free_begin[n]] .. free_to[free_end[n] - 1]. */
    const int32_t *free_begin, *free_end, *free_to;
    const int32_t *step_set, *step_to;    /* the move with one: a set of letters, -1 for none, and the next state */
    const int32_t *masks;                 /* the letters of each set, as bits of `words` numbers */
    size_t states, words, max_states;
    int64_t work;
    Table subsets, groups, sets; /* states of the DFA; NFA states that are reached together; sets of letters */
    Ints *group_target;          /* the state of the DFA behind each group */
    /* Of each NFA state, from ACCEPT on: the state of the DFA behind it, -1 where it is not known; the closure, of size -1
       where it is not known; when it was last seen. */
    Ints *target, *closure_start, *closure_size, *stamp;
    Ints *closures; /* one after another */
    Ints *stack, *scratch;
    int32_t time; /* a state whose stamp it is has been seen */
} Subsets;

static void spend(Subsets *s, size_t work) {
    s->work -= (int64_t)work;
    if (s->work < 0) longjmp(s->job->leave, TOO_MUCH);
}

static int32_t *entry(Ints *of_states, int32_t state) { return of_states->at + (state - ACCEPT); }

static bool is_new(Subsets *s, int32_t state) {
    int32_t *stamp = entry(s->stamp, state);
    if (*stamp == s->time) return false;
    *stamp = s->time;
    return true;
}

/* Finds the states with a character, and ACCEPT, that are reached from a state without one. */
static void close_over(Subsets *s, int32_t from) {
    if (*entry(s->closure_size, from) >= 0) return;
    size_t start = s->closures->size, seen = 0;
    s->time++;
    s->stack->size = 0;
    is_new(s, from);
    push(s->stack, from);
    while (s->stack->size) {
        int32_t at = s->stack->at[--s->stack->size];
        seen++;
        if (at == ACCEPT || s->step_set[at] >= 0) {
            push(s->closures, at);
            continue;
        }
        for (int32_t i = s->free_begin[at]; i < s->free_end[at]; i++)
            if (is_new(s, s->free_to[i])) push(s->stack, s->free_to[i]);
    }
    spend(s, seen);
    qsort(s->closures->at + start, s->closures->size - start, sizeof(int32_t), ascending);
    *entry(s->closure_start, from) = (int32_t)start;
    *entry(s->closure_size, from) = (int32_t)(s->closures->size - start);
}

static int32_t numbered(Subsets *s, const int32_t *subset, size_t size) {
    int32_t number = number_of(&s->subsets, subset, size);
    if ((size_t)number >= s->max_states) longjmp(s->job->leave, TOO_MUCH);
    return number;
}

/* The state of the DFA after one state of the NFA. */
static int32_t after_one(Subsets *s, int32_t state) {
    int32_t *target = entry(s->target, state);
    if (*target < 0) {
        close_over(s, state);
        const int32_t *closure = s->closures->at + *entry(s->closure_start, state);
        *target = numbered(s, closure, (size_t)*entry(s->closure_size, state));
    }
    return *target;
}

/* The state of the DFA after several states of the NFA. */
static int32_t after_all(Subsets *s, const int32_t *group, size_t size) {
    if (size == 1) return after_one(s, *group);
    int32_t number = number_of(&s->groups, group, size);
    if ((size_t)number < s->group_target->size) return s->group_target->at[number];
    for (size_t i = 0; i < size; i++) close_over(s, group[i]);
    s->time++;
    s->scratch->size = 0;
    for (size_t i = 0; i < size; i++)
        for (int32_t j = 0; j < *entry(s->closure_size, group[i]); j++) {
            int32_t state = s->closures->at[*entry(s->closure_start, group[i]) + j];
            if (is_new(s, state)) push(s->scratch, state);
        }
    spend(s, size + s->scratch->size);
    qsort(s->scratch->at, s->scratch->size, sizeof(int32_t), ascending);
    int32_t target = numbered(s, s->scratch->at, s->scratch->size);
    push(s->group_target, target);
    return target;
}

/* Sets of letters, and the NFA states behind each. */
typedef struct {
    Ints *masks, *groups, *starts; /* group n is starts[n] .. starts[n + 1] - 1 */
} Parts;

static Parts parts(Job *job) { return (Parts){ints(job), ints(job), ints(job)}; }

static void clear(Parts *some) {
    some->masks->size = some->groups->size = some->starts->size = 0;
    push(some->starts, 0);
}

/* Adds a & b, or a & ~b, with a group and one more state (or NO_STATE), unless there is no letter in it. */
static bool add(Parts *to, const int32_t *a, const int32_t *b, bool both, size_t words, const Ints *group, int32_t from,
                int32_t until, int32_t more) {
    int32_t any = 0;
    reserve(to->masks, words);
    int32_t *mask = to->masks->at + to->masks->size;
    for (size_t w = 0; w < words; w++) any |= mask[w] = both ? a[w] & b[w] : a[w] & ~b[w];
    if (!any) return false;
    to->masks->size += words;
    if (until > from) push_all(to->groups, group->at + from, (size_t)(until - from));
    if (more != NO_STATE) push(to->groups, more);
    push(to->starts, (int32_t)to->groups->size);
    return true;
}

/* Splits the letters of some moves (a set, the state after it) into disjoint sets; `apart` and `other` are room. */
static Parts *set_apart(Subsets *s, const Ints *moves, Parts *apart, Parts *other, Ints *left) {
    clear(apart);
    for (size_t m = 0; m < moves->size; m += 2) {
        int32_t after = moves->at[m + 1];
        clear(other);
        left->size = 0;
        push_all(left, s->masks + (size_t)moves->at[m] * s->words, s->words);
        for (size_t p = 0; p + 1 < apart->starts->size; p++) {
            const int32_t *mask = apart->masks->at + p * s->words;
            int32_t from = apart->starts->at[p], until = apart->starts->at[p + 1];
            add(other, mask, left->at, true, s->words, apart->groups, from, until, after);
            add(other, mask, left->at, false, s->words, apart->groups, from, until, NO_STATE);
            for (size_t w = 0; w < s->words; w++) left->at[w] &= ~mask[w];
        }
        add(other, left->at, left->at, true, s->words, apart->groups, 0, 0, after);
        Parts *swap = apart;
        apart = other;
        other = swap;
    }
    return apart;
}

static bool has_letters(const Subsets *s, int32_t set) {
    for (size_t w = 0; w < s->words; w++)
        if (s->masks[(size_t)set * s->words + w]) return true;
    return false;
}

/* Whether two of the moves read one letter; `taken` is room. */
static bool overlap(const Subsets *s, const Ints *moves, Ints *taken) {
    memset(taken->at, 0, s->words * sizeof(int32_t));
    for (size_t m = 0; m < moves->size; m += 2)
        for (size_t w = 0; w < s->words; w++) {
            int32_t word = s->masks[(size_t)moves->at[m] * s->words + w];
            if (taken->at[w] & word) return true;
            taken->at[w] |= word;
        }
    return false;
}

static void construct(Subsets *s, int32_t first, size_t set_count, Ints *counts, Ints *sets, Ints *targets, Ints *accept) {
    Job *job = s->job;
    Ints *moves = ints(job), *left = ints(job), *taken = filled(job, s->words, 0);
    Parts one = parts(job), two = parts(job);
    for (size_t set = 0; set < set_count; set++) number_of(&s->sets, s->masks + set * s->words, s->words);
    after_one(s, first);
    for (size_t state = 0; state < count_of(&s->subsets); state++) { /* grows */
        const int32_t *subset = items_of(&s->subsets, (int32_t)state);
        size_t size = length_of(&s->subsets, (int32_t)state);
        moves->size = 0;
        for (size_t i = 0; i < size; i++)
            if (subset[i] != ACCEPT && has_letters(s, s->step_set[subset[i]])) {
                push(moves, s->step_set[subset[i]]);
                push(moves, s->step_to[subset[i]]);
            }
        push(accept, size > 0 && subset[0] == ACCEPT);
        size_t count = moves->size / 2;
        if (overlap(s, moves, taken)) {
            Parts *apart = set_apart(s, moves, &one, &two, left);
            count = apart->starts->size - 1;
            spend(s, count * (moves->size / 2));
            for (size_t p = 0; p < count; p++)
                push(sets, number_of(&s->sets, apart->masks->at + p * s->words, s->words));
            for (size_t p = 0; p < count; p++) {
                int32_t from = apart->starts->at[p];
                push(targets, after_all(s, apart->groups->at + from, (size_t)(apart->starts->at[p + 1] - from)));
            }
        } else {
            for (size_t m = 0; m < moves->size; m += 2) {
                push(sets, number_of(&s->sets, s->masks + (size_t)moves->at[m] * s->words, s->words));
                push(targets, after_one(s, moves->at[m + 1]));
            }
        }
        spend(s, 1 + moves->size / 2);
        push(counts, (int32_t)count);
    }
}

/* ---- The smallest DFA (minimise.py) ------------------------------------------------------------------------------- */

static uint64_t word_of(uint64_t number) { return mixed((number + 1) * 0x9E3779B97F4A7C15u); } /* `random_words` */

/* A state whose signature is asked for. */
typedef struct {
    uint64_t signature;
    int32_t number, state; /* number: of its class */
} Asked;

static int by_class(const void *one, const void *two) {
    const Asked *a = one, *b = two;
    if (a->number != b->number) return (a->number > b->number) - (a->number < b->number);
    if (a->signature != b->signature) return (a->signature > b->signature) - (a->signature < b->signature);
    return (a->state > b->state) - (a->state < b->state);
}

typedef struct {
    Ints *class_of, *order, *place; /* order: the states, class by class; place: where each is in it */
    Ints *begin, *end;              /* of each class in `order` */
    Ints *moved;                    /* states that have left their class in this round */
} Classes;

static void put(Classes *c, int32_t state, int32_t at) {
    int32_t other = c->order->at[at], from = c->place->at[state];
    c->order->at[from] = other;
    c->place->at[other] = from;
    c->order->at[at] = state;
    c->place->at[state] = at;
}

/* Makes the states at from .. until of `order` a class of their own. */
static void part(Classes *c, int32_t from, int32_t until) {
    int32_t number = (int32_t)c->begin->size;
    push(c->begin, from);
    push(c->end, until);
    for (int32_t i = from; i < until; i++) {
        c->class_of->at[c->order->at[i]] = number;
        push(c->moved, c->order->at[i]);
    }
}

/* Splits one class by the signatures of those of its states that are asked for; all others have one. The largest part
   stays, the others leave, those asked for in the order of their signatures, then the rest. */
static void split(Classes *c, const Asked *asked, size_t count) {
    int32_t number = asked->number, begin = c->begin->at[number], end = c->end->at[number], at = begin;
    for (size_t i = 0; i < count; i++) put(c, asked[i].state, at++);
    int32_t rest = end - at, largest = 0, stays = begin;
    for (size_t i = 0, from = 0; i < count; i++) {
        if (i + 1 < count && asked[i + 1].signature == asked[i].signature) continue;
        if ((int32_t)(i + 1 - from) > largest) largest = (int32_t)(i + 1 - from), stays = begin + (int32_t)from;
        from = i + 1;
    }
    if (rest >= largest) largest = rest, stays = at;
    for (size_t i = 0, from = 0; i < count; i++) {
        if (i + 1 < count && asked[i + 1].signature == asked[i].signature) continue;
        if (begin + (int32_t)from != stays) part(c, begin + (int32_t)from, begin + (int32_t)(i + 1));
        from = i + 1;
    }
    if (rest && stays != at) part(c, at, end);
    c->begin->at[number] = stays;
    c->end->at[number] = stays + largest;
}

static Ints *refined(Job *job, size_t states, const int32_t *starts, const uint64_t *weights, const int32_t *targets,
                     const char *accept, int64_t *work, Asked *asked) {
    Classes c = {filled(job, states, 0), ints(job), filled(job, states, 0), ints(job), ints(job), ints(job)};
    for (int accepting = 0; accepting < 2; accepting++) {
        push(c.begin, (int32_t)c.order->size);
        for (size_t s = 0; s < states; s++)
            if ((accept[s] != 0) == accepting) {
                c.class_of->at[s] = accepting;
                c.place->at[s] = (int32_t)c.order->size;
                push(c.order, (int32_t)s);
            }
        push(c.end, (int32_t)c.order->size);
    }
    size_t edges = (size_t)starts[states];
    Ints *into_starts = filled(job, states + 2, 0), *into = filled(job, edges, 0);
    for (size_t e = 0; e < edges; e++) into_starts->at[targets[e] + 2]++;
    for (size_t s = 1; s < states + 2; s++) into_starts->at[s] += into_starts->at[s - 1];
    for (size_t s = 0; s < states; s++)
        for (int32_t e = starts[s]; e < starts[s + 1]; e++) into->at[into_starts->at[targets[e] + 1]++] = (int32_t)s;
    Ints *waits = filled(job, states, 0), *waiting = ints(job);
    for (size_t s = 0; s < states; s++)
        if (c.end->at[c.class_of->at[s]] - c.begin->at[c.class_of->at[s]] > 1) push(waiting, (int32_t)s);
    while (waiting->size) {
        *work -= (int64_t)waiting->size / 4 + 1;
        if (*work < 0) longjmp(job->leave, TOO_MUCH);
        for (size_t i = 0; i < waiting->size; i++) {
            int32_t s = waiting->at[i];
            uint64_t sum = 0;
            for (int32_t e = starts[s]; e < starts[s + 1]; e++)
                sum += weights[e] * word_of((uint64_t)c.class_of->at[targets[e]]);
            asked[i] = (Asked){sum, c.class_of->at[s], s};
            waits->at[s] = 0;
        }
        qsort(asked, waiting->size, sizeof(Asked), by_class);
        c.moved->size = 0;
        for (size_t from = 0, i = 0; i < waiting->size; i++)
            if (i + 1 == waiting->size || asked[i + 1].number != asked[i].number) {
                split(&c, asked + from, i + 1 - from);
                from = i + 1;
            }
        waiting->size = 0;
        for (size_t i = 0; i < c.moved->size; i++) {
            int32_t to = c.moved->at[i];
            for (int32_t j = into_starts->at[to]; j < into_starts->at[to + 1]; j++) {
                int32_t s = into->at[j], number = c.class_of->at[s];
                if (waits->at[s] || c.end->at[number] - c.begin->at[number] < 2) continue;
                waits->at[s] = 1;
                push(waiting, s);
            }
        }
    }
    return c.class_of;
}

/* A DFA, and the smallest one. */
typedef struct {
    Job *job;
    size_t states, letters, set_count;
    const int32_t *counts, *sets, *targets; /* the edges of each state; the set and the target of each edge */
    const char *members, *accept;           /* whether each letter is in a set, set by set; whether a state accepts */
    int64_t work;
    Ints *moves, *first; /* of the smallest: the next state, letter by letter, -1 for none; the first state of each class */
    bool accident;       /* two signatures are equal and should not be */
} Smallest;

/* Writes the moves of a state, as classes. */
static void write_moves(const Smallest *s, const int32_t *class_of, int32_t from, int32_t until, int32_t *moves) {
    memset(moves, -1, s->letters * sizeof(int32_t));
    for (int32_t e = from; e < until; e++) {
        const char *members = s->members + (size_t)s->sets[e] * s->letters;
        int32_t to = class_of[s->targets[e]];
        for (size_t letter = 0; letter < s->letters; letter++)
            if (members[letter]) moves[letter] = to;
    }
}

/* Refines, numbers the classes in the order of their first states, and checks that all states of one do the same. */
static void minimise(void *given) {
    Smallest *s = given;
    Job *job = s->job;
    int32_t *starts = filled(job, s->states + 1, 0)->at;
    for (size_t state = 0; state < s->states; state++) starts[state + 1] = starts[state] + s->counts[state];
    size_t edges = (size_t)starts[s->states];
    uint64_t *of_set = (uint64_t *)(void *)filled(job, 2 * s->set_count, 0)->at;
    uint64_t *weights = (uint64_t *)(void *)filled(job, 2 * edges, 0)->at;
    for (size_t set = 0; set < s->set_count; set++)
        for (size_t letter = 0; letter < s->letters; letter++) /* the first words are of classes */
            if (s->members[set * s->letters + letter]) of_set[set] += word_of(s->states + 2 + letter);
    for (size_t e = 0; e < edges; e++) weights[e] = of_set[s->sets[e]];
    Asked *asked = (Asked *)(void *)filled(job, s->states * (sizeof(Asked) / sizeof(int32_t)), 0)->at;
    int32_t *class_of = refined(job, s->states, starts, weights, s->targets, s->accept, &s->work, asked)->at;
    int32_t *numbers = filled(job, s->states + 2, -1)->at;
    s->first = ints(job);
    for (size_t state = 0; state < s->states; state++) {
        int32_t *number = numbers + class_of[state];
        if (*number < 0) {
            *number = (int32_t)s->first->size;
            push(s->first, (int32_t)state);
        }
        class_of[state] = *number;
    }
    s->moves = filled(job, s->first->size * s->letters, -1);
    int32_t *row = filled(job, s->letters, 0)->at;
    for (size_t state = 0; state < s->states; state++) {
        int32_t number = class_of[state], first = s->first->at[number];
        int32_t *moves = s->moves->at + (size_t)number * s->letters;
        bool is_first = first == (int32_t)state;
        write_moves(s, class_of, starts[state], starts[state + 1], is_first ? moves : row);
        if (is_first) continue;
        bool same = !memcmp(row, moves, s->letters * sizeof(int32_t)) && !s->accept[state] == !s->accept[first];
        s->accident |= !same;
    }
}

/* ---- What tokens do to an automaton (walk.py) --------------------------------------------------------------------- */

/* A function is a sequence of pairs, in 16 bits each: a place of `asked`, ascending, and the image of the state there.
   Function 0 is defined nowhere, function 1 is where all begin. */
typedef struct {
    Job *job;
    const uint8_t *letter_of;
    /* The trie: the byte that leads to each node, the node before, its children and its ids; of each id its node. */
    const uint8_t *byte;
    const int32_t *parent, *first, *ids, *first_id, *node;
    const int32_t *columns, *asked;        /* the next state, letter by letter; the states that functions are asked of */
    size_t nodes, letters, states, places, most; /* places: of `asked` */
    int64_t work;
    Table functions;
    Ints *after; /* the function that follows each function and letter, -1 where it is not known */
    Ints *room, *members; /* members: the function of each class, from 1 on */
    int32_t *class_of;    /* of each id; all are 0 at first */
    size_t ids_count;
} Walk;

static int32_t pair_of(size_t place, int32_t image) { return (int32_t)((uint32_t)place << 16 | (uint16_t)image); }
static size_t place_of(int32_t pair) { return (uint32_t)pair >> 16; }
static size_t image_of(int32_t pair) { return (uint16_t)pair; }

static void know(Walk *w, const int32_t *pairs, size_t size) {
    number_of(&w->functions, pairs, size);
    reserve(w->after, w->letters);
    memset(w->after->at + w->after->size, -1, w->letters * sizeof(int32_t));
    w->after->size += w->letters;
}

/* The function that follows a function and a letter, which is not known yet. */
static int32_t followed(Walk *w, int32_t function, int32_t letter) {
    size_t size = length_of(&w->functions, function), kept = 0;
    w->work -= (int64_t)size;
    if (w->work < 0) longjmp(w->job->leave, TOO_MUCH);
    w->room->size = 0;
    reserve(w->room, size);
    const int32_t *pairs = items_of(&w->functions, function), *column = w->columns + (size_t)letter * w->states;
    int32_t *to = w->room->at;
    for (size_t i = 0; i < size; i++) { /* most of the time goes into this loop, and into `hash` */
        int32_t image = column[image_of(pairs[i])];
        to[kept] = pair_of(place_of(pairs[i]), image);
        kept += image >= 0;
    }
    int32_t number = *slot_of(&w->functions, to, kept);
    if (number < 0) {
        number = (int32_t)count_of(&w->functions);
        know(w, to, kept);
        if (count_of(&w->functions) > w->most) longjmp(w->job->leave, TOO_MUCH);
    }
    return w->after->at[(size_t)function * w->letters + (size_t)letter] = number;
}

/* The first id from a given one on that has a class, or the number of all ids. Mostly there are many in a row without. */
static size_t next_with_class(const int32_t *class_of, size_t id, size_t count) {
    for (; id + 8 <= count; id += 8) {
        uint64_t next[4];
        memcpy(next, class_of + id, sizeof(next));
        if (next[0] | next[1] | next[2] | next[3]) break;
    }
    while (id < count && !class_of[id]) id++;
    return id;
}

/* Numbers the functions that some id has, in the order of their first ids. value: the function of each node that some
   state allows; runs: these nodes, as in `walk`. */
static void classify(Walk *w, const Ints *runs, const int32_t *value) {
    const int32_t *ids = w->ids, *node = w->node;
    int32_t *class_of = w->class_of, *number = filled(w->job, count_of(&w->functions), 0)->at;
    for (size_t run = 2; run < runs->size; run += 2) { /* the first is the root */
        int32_t until = w->first_id[runs->at[run + 1]];
        for (int32_t i = w->first_id[runs->at[run]]; i < until; i++) class_of[ids[i]] = value[node[i]];
    }
    w->members = filled(w->job, 1, 0);
    for (size_t id = 0; (id = next_with_class(class_of, id, w->ids_count)) < w->ids_count; id++) {
        int32_t function = class_of[id];
        if (!number[function]) {
            number[function] = (int32_t)w->members->size;
            push(w->members, function);
        }
        class_of[id] = number[function];
    }
}

static void walk(void *given) {
    Walk *w = given;
    Job *job = w->job;
    w->functions = table(job);
    w->after = ints(job), w->room = ints(job);
    know(w, NULL, 0);
    for (size_t place = 0; place < w->places; place++) push(w->room, pair_of(place, w->asked[place]));
    know(w, w->room->at, w->room->size);
    const uint8_t *letter_of = w->letter_of, *byte = w->byte;
    const int32_t *parent = w->parent;
    int32_t *value = unset(job, w->nodes); /* only what some state allows is ever touched */
    Ints *runs = ints(job);                /* nodes that some state allows, from .. until, ascending */
    push(runs, 0), push(runs, 1);
    value[0] = 1;
    for (size_t run = 0; run < runs->size; run += 2) { /* grows */
        int32_t until = w->first[runs->at[run + 1]], last = 0;
        for (int32_t child = w->first[runs->at[run]]; child < until; child++) {
            int32_t function = value[parent[child]], letter = letter_of[byte[child]];
            int32_t found = w->after->at[(size_t)function * w->letters + (size_t)letter];
            if (found < 0) found = followed(w, function, letter);
            value[child] = found;
            if (!found) continue;
            if (child != last) push(runs, child), push(runs, 0);
            last = runs->at[runs->size - 1] = child + 1;
        }
    }
    classify(w, runs, value);
}

/* ---- The masks of an automaton over tokens (automaton.py) --------------------------------------------------------- */

typedef struct {
    Job *job;
    const int32_t *next, *class_of; /* the state after each class, class by class; the class of each id */
    const uint8_t *ends;            /* of each state, whether end ids are allowed */
    size_t states, classes, ids_count, end_count;
    int32_t end; /* the first end id */
    Table masks; /* as sets of classes, and a bit more for the end ids */
    /* ids: those of a class. mask_of: of each state. starts, members: the classes of each mask, one after another. Of
       each mask: state, the first of its states; counts, its ids; forced, the only one or -1. */
    Ints *ids, *mask_of, *state, *starts, *members, *counts, *forced;
} Masks;

static void name_masks(Masks *m, size_t words) {
    size_t states = m->states;
    uint32_t *bits = (uint32_t *)(void *)unset(m->job, states * words);
    uint32_t *column = (uint32_t *)(void *)unset(m->job, states);
    for (size_t word = 0; word < words; word++) { /* 32 classes, of all states */
        memset(column, 0, states * sizeof(uint32_t));
        for (size_t bit = 0; bit < 32 && 32 * word + bit < m->classes; bit++) {
            const int32_t *next = m->next + (32 * word + bit) * states;
            for (size_t state = 0; state < states; state++) column[state] |= (uint32_t)(next[state] >= 0) << bit;
        }
        for (size_t state = 0; state < states; state++) bits[state * words + word] = column[state];
    }
    for (size_t state = 0; state < states; state++) {
        uint32_t *row = bits + state * words;
        row[m->classes / 32] |= (uint32_t)(m->ends[state] != 0) << m->classes % 32;
        int32_t mask = number_of(&m->masks, (const int32_t *)(const void *)row, words);
        push(m->mask_of, mask);
        if ((size_t)mask == m->state->size) push(m->state, (int32_t)state);
    }
}

static void find_masks(void *given) {
    Masks *m = given;
    size_t words = m->classes / 32 + 1;
    m->masks = table(m->job);
    m->ids = ints(m->job), m->mask_of = ints(m->job), m->state = ints(m->job), m->starts = ints(m->job);
    m->members = ints(m->job), m->counts = ints(m->job), m->forced = ints(m->job);
    name_masks(m, words);
    int32_t *sizes = filled(m->job, m->classes, 0)->at, *some_id = filled(m->job, m->classes, -1)->at;
    const int32_t *class_of = m->class_of;
    for (size_t id = 0; (id = next_with_class(class_of, id, m->ids_count)) < m->ids_count; id++) {
        push(m->ids, (int32_t)id);
        sizes[class_of[id]]++;
        some_id[class_of[id]] = (int32_t)id;
    }
    for (size_t mask = 0; mask < m->state->size; mask++) {
        const uint32_t *row = (const uint32_t *)(const void *)items_of(&m->masks, (int32_t)mask);
        bool ends = m->ends[m->state->at[mask]];
        int32_t count = 0, id = -1;
        push(m->starts, (int32_t)m->members->size);
        for (size_t class = 0; class < m->classes; class++) {
            if (!row[class / 32]) {
                class |= 31; /* none of these */
                continue;
            }
            if (!(row[class / 32] >> class % 32 & 1)) continue;
            push(m->members, (int32_t)class);
            count += sizes[class];
            if (sizes[class]) id = some_id[class];
        }
        if (ends) {
            if (!count) id = m->end;
            count += (int32_t)m->end_count;
        }
        push(m->counts, count);
        push(m->forced, count == 1 ? id : -1);
    }
    push(m->starts, (int32_t)m->members->size);
}

/* ---- The module --------------------------------------------------------------------------------------------------- */

/* Does `work` until it is done or leaves. A function of its own, so that no local of the caller's is lost on the way. */
static End run(Job *job, void (*work)(void *), void *given) {
    int end = setjmp(job->leave);
    if (!end) work(given);
    return (End)end;
}

static End run_unlocked(Job *job, void (*work)(void *), void *given) {
    PyThreadState *thread = PyEval_SaveThread();
    End end = run(job, work, given);
    PyEval_RestoreThread(thread);
    return end;
}

/* None where it was too much, else an error. */
static PyObject *not_done(End end) {
    if (end == OUT_OF_MEMORY) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *array_of(const Ints *numbers) {
    return PyByteArray_FromStringAndSize((const char *)numbers->at, (Py_ssize_t)(numbers->size * sizeof(int32_t)));
}

typedef struct {
    Subsets s;
    int32_t first;
    size_t set_count;
    Ints *counts, *sets, *targets, *accept;
} Construction;

static void construct_all(void *given) {
    Construction *c = given;
    Subsets *s = &c->s;
    Job *job = s->job;
    s->subsets = table(job), s->groups = table(job), s->sets = table(job);
    s->group_target = ints(job), s->closures = ints(job), s->stack = ints(job), s->scratch = ints(job);
    s->target = filled(job, s->states + 1, -1), s->stamp = filled(job, s->states + 1, 0);
    s->closure_start = filled(job, s->states + 1, 0), s->closure_size = filled(job, s->states + 1, -1);
    c->counts = ints(job), c->sets = ints(job), c->targets = ints(job), c->accept = ints(job);
    construct(s, c->first, c->set_count, c->counts, c->sets, c->targets, c->accept);
}

PyDoc_STRVAR(subsets_doc,
"subsets(free_begin, free_end, free_to, step_set, step_to, masks, words, first, max_states, work)\n\n"
"-> (counts, sets, targets, accept, masks, work left), int32 but for the last; None where it is too much.");

static PyObject *subsets(PyObject *module, PyObject *arguments) {
    Py_buffer free_begin, free_end, free_to, step_set, step_to, masks;
    Py_ssize_t words, max_states;
    int first;
    long long work;
    if (!PyArg_ParseTuple(arguments, "y*y*y*y*y*y*ninL", &free_begin, &free_end, &free_to, &step_set, &step_to, &masks,
                          &words, &first, &max_states, &work))
        return NULL;
    Job job = {.owned = NULL};
    Construction c = {.first = first};
    c.s = (Subsets){.job = &job, .free_begin = free_begin.buf, .free_end = free_end.buf, .free_to = free_to.buf,
                    .step_set = step_set.buf, .step_to = step_to.buf, .masks = masks.buf, .states = (size_t)step_set.len / sizeof(int32_t),
                    .words = (size_t)words, .max_states = (size_t)max_states, .work = work};
    c.set_count = words ? (size_t)masks.len / sizeof(int32_t) / (size_t)words : 0;
    End end = run_unlocked(&job, construct_all, &c);
    PyObject *result = end ? not_done(end)
                           : Py_BuildValue("(NNNNNL)", array_of(c.counts), array_of(c.sets), array_of(c.targets),
                                           array_of(c.accept), array_of(c.s.sets.items), (long long)c.s.work);
    free_all(&job);
    PyBuffer_Release(&free_begin), PyBuffer_Release(&free_end), PyBuffer_Release(&free_to);
    PyBuffer_Release(&step_set), PyBuffer_Release(&step_to), PyBuffer_Release(&masks);
    return result;
}

PyDoc_STRVAR(smallest_doc,
"smallest(counts, letters, count, sets, targets, accept, work)\n\n"
"-> (moves, the first state of each of its states, work left), int32 but for the last; None where it is too much.");

static PyObject *smallest(PyObject *module, PyObject *arguments) {
    Py_buffer counts, members, sets, targets, accept;
    Py_ssize_t letters;
    long long work;
    if (!PyArg_ParseTuple(arguments, "y*y*ny*y*y*L", &counts, &members, &letters, &sets, &targets, &accept, &work))
        return NULL;
    Job job = {.owned = NULL};
    Smallest s = {.job = &job, .states = (size_t)accept.len, .letters = (size_t)letters, .counts = counts.buf,
                  .set_count = letters ? (size_t)members.len / (size_t)letters : 0, .members = members.buf,
                  .sets = sets.buf, .targets = targets.buf, .accept = accept.buf, .work = work};
    End end = run_unlocked(&job, minimise, &s);
    PyObject *result = NULL;
    if (end) result = not_done(end);
    else if (s.accident) PyErr_SetString(PyExc_AssertionError, "two signatures are equal by accident");
    else result = Py_BuildValue("(NNL)", array_of(s.moves), array_of(s.first), (long long)s.work);
    free_all(&job);
    PyBuffer_Release(&counts), PyBuffer_Release(&members), PyBuffer_Release(&sets), PyBuffer_Release(&targets);
    PyBuffer_Release(&accept);
    return result;
}

/* The state after each class of tokens, class by class, from each place: -1 where it is not allowed. */
static PyObject *after_classes(const Walk *w) {
    size_t cells = w->members->size * w->places;
    PyObject *made = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(cells * sizeof(int32_t)));
    if (!made) return NULL;
    int32_t *after = (int32_t *)(void *)PyByteArray_AsString(made);
    memset(after, -1, cells * sizeof(int32_t));
    for (size_t number = 1; number < w->members->size; number++) {
        const int32_t *pairs = items_of(&w->functions, w->members->at[number]);
        size_t size = length_of(&w->functions, w->members->at[number]);
        for (size_t i = 0; i < size; i++) after[number * w->places + place_of(pairs[i])] = (int32_t)image_of(pairs[i]);
    }
    return made;
}

PyDoc_STRVAR(walk_doc,
"walk(letter_of, columns, letters, asked, byte, parent, first, ids, first_id, node, size, work, most)\n\n"
"-> (the class of each id, the state after each class), int32; None where it is too much.");

static PyObject *walk_tokens(PyObject *module, PyObject *arguments) {
    Py_buffer letter_of, columns, asked, byte, parent, first, ids, first_id, node;
    long long work;
    Py_ssize_t letters, size, most;
    if (!PyArg_ParseTuple(arguments, "y*y*ny*y*y*y*y*y*y*nLn", &letter_of, &columns, &letters, &asked, &byte, &parent,
                          &first, &ids, &first_id, &node, &size, &work, &most))
        return NULL;
    Job job = {.owned = NULL};
    Walk w = {.job = &job, .letter_of = letter_of.buf, .byte = byte.buf, .parent = parent.buf, .first = first.buf,
              .ids = ids.buf, .first_id = first_id.buf, .node = node.buf, .columns = columns.buf, .asked = asked.buf,
              .nodes = (size_t)byte.len, .letters = (size_t)letters, .states = (size_t)columns.len / sizeof(int32_t) / (size_t)letters,
              .places = (size_t)asked.len / sizeof(int32_t), .ids_count = (size_t)size, .most = (size_t)most, .work = work};
    PyObject *result = NULL, *class_of = PyByteArray_FromStringAndSize(NULL, size * (Py_ssize_t)sizeof(int32_t));
    if (class_of) {
        w.class_of = (int32_t *)(void *)PyByteArray_AsString(class_of);
        memset(w.class_of, 0, (size_t)size * sizeof(int32_t));
        End end = run_unlocked(&job, walk, &w);
        result = end ? not_done(end) : Py_BuildValue("(ON)", class_of, after_classes(&w));
        Py_DECREF(class_of);
    }
    free_all(&job);
    PyBuffer_Release(&letter_of), PyBuffer_Release(&columns), PyBuffer_Release(&asked), PyBuffer_Release(&byte);
    PyBuffer_Release(&parent), PyBuffer_Release(&first), PyBuffer_Release(&ids), PyBuffer_Release(&first_id);
    PyBuffer_Release(&node);
    return result;
}

PyDoc_STRVAR(masks_doc,
"masks(by_class, class_of, ends, classes, end_count, end)\n\n"
"-> (the ids of a class; the mask of each state; of each mask the first of its states, the start of its classes (and, at\n"
"last, their end), the number of its ids, the only one or -1; the classes), int32.");

static PyObject *masks(PyObject *module, PyObject *arguments) {
    Py_buffer next, class_of, ends;
    Py_ssize_t classes, end_count;
    int end;
    if (!PyArg_ParseTuple(arguments, "y*y*y*nni", &next, &class_of, &ends, &classes, &end_count, &end)) return NULL;
    Job job = {.owned = NULL};
    Masks m = {.job = &job, .next = next.buf, .class_of = class_of.buf, .ends = ends.buf, .states = (size_t)ends.len,
               .classes = (size_t)classes, .ids_count = (size_t)class_of.len / sizeof(int32_t),
               .end_count = (size_t)end_count, .end = end};
    End left = run_unlocked(&job, find_masks, &m);
    PyObject *result = left ? not_done(left)
                            : Py_BuildValue("(NNNNNNN)", array_of(m.ids), array_of(m.mask_of), array_of(m.state),
                                            array_of(m.starts), array_of(m.counts), array_of(m.forced),
                                            array_of(m.members));
    free_all(&job);
    PyBuffer_Release(&next), PyBuffer_Release(&class_of), PyBuffer_Release(&ends);
    return result;
}

static PyMethodDef methods[] = {
    {"subsets", subsets, METH_VARARGS, subsets_doc},
    {"smallest", smallest, METH_VARARGS, smallest_doc},
    {"walk", walk_tokens, METH_VARARGS, walk_doc},
    {"masks", masks, METH_VARARGS, masks_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_native", "The inner loops of constraints.", -1, methods, NULL, NULL, NULL, NULL,
};

/* Raise it here and in native.py with every change of what the functions take or give: an older build is refused then. */
#define VERSION 2

PyMODINIT_FUNC PyInit__native(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddIntConstant(module, "VERSION", VERSION) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
