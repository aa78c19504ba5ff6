#!/usr/bin/env python3
"""Compares the sales orders of AccountView with the orders of eAccounting they came from, to the cent.

It shares nothing with Pomost: the standard library, both APIs read raw, and its own arithmetic. On stdin it takes where the two
systems are and with which tokens:

  {"eaccounting": {"base_url", "token"}, "accountview": {"base_url", "token", "company", "years": [2026]},
   "rounding": "the article of rounding lines", "freight": {"the source's article": "ours"}}

It prints the sums of both sides, and one line for each difference; it exits with 1 where there is any.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def cents(amount):
    """Rounds to cents, half away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def get(system, path, query):
    """Reads one answer; every number in it is a Decimal."""
    request = urllib.request.Request(system["base_url"] + path + "?" + urllib.parse.urlencode(query))
    request.add_header("Authorization", "Bearer " + system["token"])
    if "company" in system:
        request.add_header("x-company", system["company"])
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read(), parse_float=Decimal, parse_int=Decimal)


def shop_list(shop, path):
    """All records of a list of eAccounting, page by page."""
    page = 1
    while True:
        answer = get(shop, path, {"$page": page, "$pagesize": 500})
        yield from answer["Data"]
        if page >= int(answer["Meta"]["TotalNumberOfPages"]):
            return
        page += 1


def book_rows(books, code, year):
    """All rows of a business object of AccountView in one year, by table."""
    tables = defaultdict(list)
    page, size = 1, 500
    while True:
        answer = get(books, "/accountviewdata",
                     {"BusinessObject": code, "BookDate": f"{year}-12-31", "PageSize": size, "PageNumber": page})
        if "ErrorMessage" in answer:
            raise SystemExit(f"AccountView refuses {code} of {year}: {answer['ErrorMessage']}")
        most = 0
        for table, rows in answer.items():
            if isinstance(rows, list):
                tables[table] += rows
        most = len(answer.get("SO_HDR") or [])
        if most < size:
            return tables
        page += 1


def number(value):
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def expected(order, freight):
    """What an order comes to by its own rows: quantities by article, net and VAT by rate, and the total."""
    quantities = defaultdict(Decimal)
    rows = []
    for row in order["Rows"]:
        if row["IsTextRow"]:
            continue
        article = row["ArticleNumber"].strip().upper()
        article = freight.get(article, article)
        quantity, price = number(row["Quantity"]), number(row["UnitPrice"])
        amount = cents(price * quantity * (1 - number(row["DiscountPercentage"])))
        quantities[article] += quantity
        rows.append((article, number(row["VatRate"]), quantity, amount))
    return quantities, rows


def compare(order, header, lines, rounding, freight, differences):
    """Compares one pair; returns what both sides come to, without and with VAT."""
    name = f"order {order['Number']} ({header['ORD_NR'].strip()})"
    quantities, rows = expected(order, freight)
    vat_stated, total = number(order["VatAmount"]), number(order["Amount"])
    exempt = vat_stated == 0  # then the rows' rates are those of the articles, not of this sale
    rate_of = defaultdict(set)
    source_net = defaultdict(Decimal)
    for article, rate, _, amount in rows:
        rate = Decimal(0) if exempt else rate
        rate_of[article].add(rate)
        source_net[rate] += cents(amount / (1 + rate / 100)) if order["IncludesVat"] else amount

    booked = defaultdict(Decimal)
    booked_net = defaultdict(Decimal)
    rounded = Decimal(0)
    rates = [(a, Decimal(0) if exempt else r, q) for a, r, q, _ in rows]
    for line in lines:
        article = line["ART_CODE"].strip()
        quantity = number(line["ORD_QTY"])
        amount = cents(quantity * number(line["ART_PX"]))
        if rounding and article == rounding:
            rounded += amount
            continue
        booked[article] += quantity
        if len(rate_of[article]) == 1:
            rate = next(iter(rate_of[article]))
        else:  # freight of two rates under one article: by the row it came from
            found = [i for i, (a, _, q) in enumerate(rates) if a == article and q == quantity]
            if not found:
                differences.append(f"{name}: a line of {article} belongs to no row of the order")
                continue
            rate = rates.pop(found[0])[1]
        booked_net[rate] += amount

    if dict(quantities) != dict(booked):
        odd = [f"{a}: {quantities[a]} and {booked[a]}" for a in sorted({*quantities, *booked}) if quantities[a] != booked[a]]
        differences.append(f"{name}: quantities differ: {', '.join(odd)}")
    for rate in sorted({*source_net, *booked_net}):
        if source_net[rate] != booked_net[rate]:
            differences.append(f"{name}: net of {rate} %: {source_net[rate]} in eAccounting, {booked_net[rate]} in AccountView")
    gross = sum(booked_net.values()) + rounded + sum(cents(net * rate / 100) for rate, net in booked_net.items())
    if gross != total:
        differences.append(f"{name}: with VAT: {total} in eAccounting, {gross} in AccountView")
    if header["ORD_DATE"][:10] != order["OrderDate"][:10]:
        differences.append(f"{name}: dated {order['OrderDate'][:10]} in eAccounting, {header['ORD_DATE'][:10]} in AccountView")
    return sum(source_net.values()), sum(booked_net.values()), total, gross


def main():
    setup = json.load(sys.stdin)
    shop, books = setup["eaccounting"], setup["accountview"]
    rounding, freight = setup.get("rounding") or "", setup.get("freight") or {}
    differences = []
    orders = {}
    count = 0
    for order in shop_list(shop, "/orders"):
        count += 1
        if order["Number"] is not None:
            orders[str(order["Number"])] = order
    sums = [Decimal(0)] * 4
    seen = {}
    for year in books["years"]:
        tables = book_rows(books, "SO1", year)
        lines = defaultdict(list)
        for line in tables["SO_LINE"]:
            lines[line["SO_HDR_Id"]].append(line)
        for header in tables["SO_HDR"]:
            reference = header["COMMENT1"].strip()
            if reference in seen:
                differences.append(f"order {reference} is booked twice: {seen[reference]} and {header['ORD_NR'].strip()}")
                continue
            seen[reference] = header["ORD_NR"].strip()
            if reference not in orders:
                differences.append(f"{header['ORD_NR'].strip()} has the reference {reference}, which no order has")
                continue
            pair = compare(orders[reference], header, lines[header["SO_HDR_Id"]], rounding, freight, differences)
            sums = [a + b for a, b in zip(sums, pair)]
    print(f"{len(seen)} of {count} orders are booked: without VAT {sums[0]} = {sums[1]}, with VAT {sums[2]} = {sums[3]}; {len(differences)} differences")
    for line in differences[:50]:
        print(line)
    if differences or not seen:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
