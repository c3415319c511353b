"""The scripts that look through a session's entries in Redis; what changes anything is in ``scripts``.

They only save round trips and bytes: what is found is judged again by whoever called them.
"""

from sessions.stores.redis.scripts import Script

TAIL = Script("""
-- KEYS: head and entries. ARGV: the companion type, how many versions and how many exchanges.
-- Gives the opening, and the newest entry with those that a walk along the marks will ask for, as far as they are here;
-- see trails, which has the last word.
local opening = redis.call('HGET', KEYS[1], 'opening')
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if not opening or not newest then return {opening, {}} end
local rows, known = {}, {}
local CONFIGURE, QUERY, DRAFT, CRITIQUE, REVISION, PRIOR, BASE, BEFORE = 1, 2, 3, 4, 5, 7, 8, 9
local WORKFLOW, PICK = 10, 11
local function read(row)
    rows[#rows + 1] = row
    local entry, seq = cjson.decode(row[2][2]), tonumber(string.match(row[1], '%d+'))
    local steps, others = string.match(entry[9], '^([^|]*)|?(.*)$')
    local trail, n = {companion = entry[2], others = others, seq = seq}, 0
    for back in string.gmatch(steps, '%d+') do
        n = n + 1
        if back ~= '0' then trail[n] = seq + 1 - back end
    end
    known[seq] = trail
    return trail
end
local function at(seq)
    if seq and known[seq] == nil then
        local id = string.format('%d-0', seq)
        local row = redis.call('XRANGE', KEYS[2], id, id)[1]
        known[seq] = row and read(row) or false
    end
    return seq and known[seq]
end
local trail = read(newest)
if trail.companion ~= ARGV[1] then
    local back = trail.others ~= '' and cjson.decode(trail.others)[ARGV[1]]
    trail = back and at(trail.seq - back)
end
if trail then
    for _, name in ipairs({CONFIGURE, QUERY, DRAFT, CRITIQUE, BASE, WORKFLOW, PICK}) do at(trail[name]) end
    local version, before = trail[REVISION], trail[BEFORE]
    for _ = 1, tonumber(ARGV[2]) do
        local found = at(version)
        version = found and found[PRIOR]
    end
    for _ = 1, tonumber(ARGV[3]) do
        local slot = at(before)
        if slot then for _, name in ipairs({QUERY, DRAFT, REVISION}) do at(slot[name]) end end
        before = slot and slot[BEFORE]
    end
end
return {opening, rows}
""")

FIND = Script("""
-- KEYS: entries. ARGV: first and last id, how many, two texts that field e must
-- hold, then others of which it must hold any.
-- Gives at most so many of the entries that may fit, and the id up to which it looked unless that was the last: it
-- looks no further than a few megabytes, since everybody else waits.
local found, bytes, from = {}, 0, ARGV[1]
local function fits(text)
    if not string.find(text, ARGV[4], 1, true) or not string.find(text, ARGV[5], 1, true) then return false end
    if #ARGV == 5 then return true end
    for n = 6, #ARGV do
        if string.find(text, ARGV[n], 1, true) then return true end
    end
    return false
end
while true do
    local rows = redis.call('XRANGE', KEYS[1], from, ARGV[2], 'COUNT', 50)
    for _, row in ipairs(rows) do
        bytes = bytes + #row[2][2] + #row[2][4]
        if fits(row[2][2]) then found[#found + 1] = row end
        if #found >= tonumber(ARGV[3]) or bytes > 2e6 then return {found, row[1]} end
    end
    if #rows < 50 then return {found, ''} end
    from = '(' .. rows[#rows][1]
end
""")
