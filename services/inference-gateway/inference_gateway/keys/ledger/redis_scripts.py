"""The steps of the ledger as scripts that Valkey and Redis run atomically, in their Lua.

Keys of one account, in one slot of a cluster by the braces:
  kaito:key:{id}:counters  hash: the windows' numbers, and what is spent and reserved in each
  kaito:key:{id}:open      hash: request -> minute day month ever requests tokens nanodollars
  kaito:key:{id}:expiry    sorted set: request by the second in which its reservation ends
  kaito:key:{id}:settled   sorted set: request by the second in which it is forgotten

The store's own clock decides, so the replicas' clocks do not matter. A call brings along what its
caller saw last, `seen`: within a window what is spent only grows, so a store that has lost its
memory gets it back from its callers.
"""

from inference_gateway.keys.ledger.memory_store import REMEMBERED_SECONDS

KEY_NAMES = ("counters", "open", "expiry", "settled")
_KEPT_SECONDS = 100 * 24 * 3600

# `seen` is the place of its first argument: four numbers of windows and twelve counters.
_ACCOUNT = """
local counters_key, open_key, expiry_key, settled_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

-- Months since 1970 of days since 1970.
local function month_of(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local day = z - era * 146097
  local year = math.floor(
    (day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  local rest = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local shifted = math.floor((5 * rest + 2) / 153)
  local month = shifted < 10 and shifted + 3 or shifted - 9
  year = year + era * 400 + (month <= 2 and 1 or 0)
  return (year - 1970) * 12 + month - 1
end

-- Numbers of windows, what is spent, what is reserved: 4, 12 and 12 fields.
local stored = redis.call('HMGET', counters_key, unpack(FIELDS))
local numbers, spent, reserved = {}, {}, {}
local days = math.floor(now / 86400)
local current = {math.floor(now / 60), days, month_of(days), 0}
for w = 1, 4 do
  local number = tonumber(stored[w] or -1)
  -- Of a clock that is set back: see _begins in memory_store.
  local begins = current[w] > number or (w == 1 and current[w] ~= number)
  numbers[w] = begins and current[w] or number
  local seen_number = tonumber(ARGV[seen + w - 1])
  if w > 1 and seen_number > numbers[w] then numbers[w], begins = seen_number, true end
  for u = 1, 3 do
    local place = (w - 1) * 3 + u
    spent[place] = begins and 0 or tonumber(stored[4 + place] or 0)
    reserved[place] = begins and 0 or tonumber(stored[16 + place] or 0)
    if seen_number == numbers[w] then
      spent[place] = math.max(spent[place], tonumber(ARGV[seen + 3 + place]))
    end
  end
end

local function add(counters, entry, sign)
  local value = {}
  for number in string.gmatch(entry, '%d+') do value[#value + 1] = tonumber(number) end
  for w = 1, 4 do
    if value[w] == numbers[w] then
      for u = 1, 3 do
        local place = (w - 1) * 3 + u
        counters[place] = counters[place] + sign * value[4 + u]
      end
    end
  end
end

local function give_back(id)
  local entry = redis.call('HGET', open_key, id)
  if entry then
    add(reserved, entry, -1)
    redis.call('HDEL', open_key, id)
    redis.call('ZREM', expiry_key, id)
  end
  return entry
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', expiry_key, '-inf', now)) do give_back(id) end

local function save()
  local pairs_of_fields = {}
  for place, name in ipairs(FIELDS) do
    local value = numbers[place] or spent[place - 4] or reserved[place - 16]
    pairs_of_fields[2 * place - 1] = name
    pairs_of_fields[2 * place] = string.format('%.0f', value)
  end
  redis.call('HSET', counters_key, unpack(pairs_of_fields))
  redis.call('EXPIRE', counters_key, KEPT)
end

local function answer(verdict)
  save()
  local found = {verdict, math.floor(now * 1000), redis.call('HLEN', open_key)}
  for w = 1, 4 do found[#found + 1] = numbers[w] end
  for place = 1, 12 do found[#found + 1] = spent[place] end
  for place = 1, 12 do found[#found + 1] = reserved[place] end
  return found
end
""".replace(
    "FIELDS",
    "{'nm','nd','nM','ne'"
    + "".join(f",'{kind}{window}{unit}'" for kind in "sr" for window in "mdMe" for unit in "rtd")
    + "}",
).replace("KEPT", str(_KEPT_SECONDS))

# ARGV: request, requests, tokens, nanodollars, seconds to expiry, concurrent, 12 limits, seen.
# The verdict is 0, or the place of the limit that is reached; 13 is that of concurrent requests.
RESERVE = (
    "local seen = 19\n"
    + _ACCOUNT
    + """
local id = ARGV[1]
if redis.call('HEXISTS', open_key, id) == 1 then return answer(0) end
local concurrent = tonumber(ARGV[6])
if concurrent >= 0 and redis.call('HLEN', open_key) >= concurrent then return answer(13) end
for place = 1, 12 do
  local limit = tonumber(ARGV[6 + place])
  local wanted = tonumber(ARGV[2 + (place - 1) % 3])
  if limit >= 0 and spent[place] + reserved[place] + wanted > limit then return answer(place) end
end
local entry = string.format('%.0f %.0f %.0f %.0f', unpack(numbers))
  .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]
redis.call('HSET', open_key, id, entry)
redis.call('ZADD', expiry_key, now + tonumber(ARGV[5]), id)
add(reserved, entry, 1)
return answer(0)
"""
)

# ARGV: request, requests, tokens, nanodollars, seen.
SETTLE = (
    "local seen = 5\n"
    + _ACCOUNT
    + """
local id = ARGV[1]
redis.call('ZREMRANGEBYSCORE', settled_key, '-inf', now)
if redis.call('ZSCORE', settled_key, id) then return answer(0) end
local opened = give_back(id)
local numbers_of = opened and string.match(opened, '^(%d+ %d+ %d+ %d+)')
  or string.format('%.0f %.0f %.0f %.0f', unpack(numbers))
add(spent, numbers_of .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4], 1)
redis.call('ZADD', settled_key, now + REMEMBERED, id)
return answer(0)
""".replace("REMEMBERED", str(REMEMBERED_SECONDS))
)
