package sandbox

import (
	"fmt"
	"net/http"
)

// projectFinished is the status of a project that has ended [SW20 ProjectApi.Status]; 1 goes on.
const projectFinished = 2

// addDimensions gives the company its three cost centres; their items come from callers.
func (c *company) addDimensions() {
	for i, name := range []string{c.local("Afdeling", "Department"), c.local("Drager", "Carrier"), c.local("Vrij", "Free")} {
		c.add("costcenters", fmt.Sprint(i+1), "Name", name, "Number", int64(i+1), "IsActive", i == 0, "Items", []*record{})
	}
}

func (c *company) createProject(k *call) error {
	r, err := c.read(k, schemas["ProjectApi"])
	if err != nil {
		return err
	}
	if err := c.prepareProject(r, nil); err != nil {
		return err
	}
	r.set("Id", c.newID())
	c.table("projects").add(r)
	c.created(k, r)
	return nil
}

func (c *company) updateProject(k *call) error {
	old, err := c.byPath(k, "projects", "Project")
	if err != nil {
		return err
	}
	r, err := c.read(k, old.schema)
	if err != nil {
		return err
	}
	if err := c.prepareProject(r, old); err != nil {
		return err
	}
	r.set("Id", k.id)
	c.table("projects").put(old, r)
	c.updated(k, r)
	return nil
}

func (c *company) prepareProject(r, old *record) error {
	same := c.table("projects").numbered(r.str("Number"))
	if same != nil && same != old {
		return fail(http.StatusBadRequest, codeConflict, "ConflictException - A project with Number %s already exists.", r.str("Number"))
	}
	if id := r.str("CustomerId"); id != "" {
		customer := c.table("customers").byID[id]
		if customer == nil {
			return unknownReference("Customer", id)
		}
		r.set("CustomerName", customer.get("Name"))
	}
	if r.integer("Status") == 0 {
		r.set("Status", int64(1))
	}
	r.set("ModifiedUtc", c.stamp())
	r.given = nil
	return nil
}

// updateCostCenter renames one of the three cost centres or switches it; its items have calls of their own.
func (c *company) updateCostCenter(k *call) error {
	old, err := c.byPath(k, "costcenters", "CostCenter")
	if err != nil {
		return err
	}
	r, err := c.read(k, old.schema)
	if err != nil {
		return err
	}
	old.with("Name", r.get("Name"), "IsActive", r.get("IsActive"))
	c.updated(k, old)
	return nil
}

// costCenterItem finds an item and its cost centre.
func (c *company) costCenterItem(id string) (center, item *record) {
	for _, center := range c.table("costcenters").order {
		for _, item := range center.list("Items") {
			if item.str("Id") == id {
				return center, item
			}
		}
	}
	return nil, nil
}

func (c *company) createCostCenterItem(k *call) error {
	r, err := c.read(k, schemas["CostCenterItemApi"])
	if err != nil {
		return err
	}
	center := c.table("costcenters").byID[r.str("CostCenterId")]
	if center == nil {
		return unknownReference("CostCenter", r.str("CostCenterId"))
	}
	r.with("Id", c.newID(), "CreatedUtc", c.stamp())
	r.given = nil
	center.set("Items", append(center.list("Items"), r))
	c.created(k, r)
	return nil
}

func (c *company) oneCostCenterItem(k *call) error {
	_, item := c.costCenterItem(k.id)
	if item == nil {
		return unknownPath("CostCenterItem", k.id)
	}
	c.reply(k, http.StatusOK, item)
	return nil
}

func (c *company) updateCostCenterItem(k *call) error {
	_, item := c.costCenterItem(k.id)
	if item == nil {
		return unknownPath("CostCenterItem", k.id)
	}
	r, err := c.read(k, item.schema)
	if err != nil {
		return err
	}
	item.copyFields(r, "Name", "ShortName", "IsActive")
	c.updated(k, item)
	return nil
}
